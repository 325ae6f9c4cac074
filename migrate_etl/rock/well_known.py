"""Rows that ship with Rock, recognised by GUID in every church (Rock/SystemGuid), in lower case."""

from __future__ import annotations

RECORD_TYPES = {
    "36cf10d6-c695-413d-8e7c-4546efef385e": "person",
    "bf64add3-e70a-44ce-9c4b-e76bbed37550": "business",
    "e2261a84-831d-4234-9be0-4d628bbe751e": "rest_user",
    "721300ed-1267-4da0-b4f2-6c6b5b17b1c5": "nameless",
}
SYSTEM_PERSONS = (
    "802235dc-3ca5-94b0-4326-aace71180f48",  # Giver Anonymous
    "7ebc167b-512d-4683-9d80-98b6bb02e1b9",  # Anonymous Visitor
    "817e7c25-6cb1-4ed0-b224-ff3c4da0b716",  # System Sender
)
GIVER_ANONYMOUS = SYSTEM_PERSONS[0]

STATUS_INACTIVE = "1dad99d5-41a9-4865-8366-f269902b80a4"
STATUS_PENDING = "283999ec-7346-42e3-b807-bce9b2babb49"
REASON_DECEASED = "05d35bc4-5816-4210-965f-1bf44f35a16a"
CONNECTION_VISITOR = "b91ba046-bc1e-400c-b85d-638c1f4e0ce2"
MARRIED = "5fe5a540-7d9f-433e-b47e-4229d1472248"

PHONE_ORDER = {
    "407e7e45-7b2e-4fcd-9605-ecb1339f2453": 0,  # Mobile
    "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303": 1,  # Home
    "2cc66d5a-f61c-4b74-9af9-590a9847c13c": 2,  # Work
}

FAMILY_TYPE = "790e3215-3b10-442b-af69-616c0dcb998e"
OWN_GROUP_TYPES = (
    FAMILY_TYPE,
    "aece949f-704c-483e-a4fb-93d5e4720c4c",  # Security Role
    "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef",  # Known Relationships
    "8c0e5852-f08f-4327-9aa5-87800a6ab53e",  # Peer Network
    "d1d95777-ffa3-cbb3-4a6d-658706daed33",  # Communication List
    "3311132b-268d-44e9-811a-a56a0835e50a",  # Event Attendees
    "3981cf6d-7d15-4b57-aace-c0e25d28bd49",  # Application Group
)
"""Group types Rock uses for itself: never ordinary groups."""
RELATIONSHIP_TYPES = OWN_GROUP_TYPES[2:4]
"""One or two groups of these a person, made by Rock's nightly cleanup."""

ADULT_ROLE = "2639f9a5-2aae-4e48-a8c3-4ffe86681e42"
CHILD_ROLE = "c8b1814f-6aa7-4055-b2d7-48fe20429cb9"
HOME_LOCATION = "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc"
PREVIOUS_LOCATION = "853d98f1-6e08-4321-861b-520b4106cfe0"

CONTRIBUTION_TYPE = "2d607262-52d6-4724-910d-5c6e8fb89acc"
PAYMENT_METHODS = {
    "f3adc889-1ee8-4eb6-b3fd-8c10f3c8af93": "Cash",
    "8b086a19-405a-451f-8d44-174e92d6b402": "Check",
    "928a2e04-c77b-4282-888f-ec549cee026a": "Card",
    "dabee8fd-aedf-43e1-8547-4c97fa14d9b6": "Online",  # ACH
    "d42c4df7-1ae9-4dde-ada2-774b866b798c": "Card",  # Apple Pay
    "6151f6e0-3223-46ba-a59e-e091be4af75c": "Card",  # Android Pay
    "7950ff66-80ee-e8ab-4a77-4a13edeb7513": "Other",  # Non-cash
    "56c9ae9c-b5eb-46d5-9650-2ef86b14f856": "Other",  # Unknown
    "0fdf0bb3-b483-4c0a-9dff-a35abe3b688d": "Other",
}
"""Rock's tender -> Mission's payment method. ACH is Mission's `Online`: a transfer, neither cash, check nor card."""
