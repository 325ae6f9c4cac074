"""Rows every Rock database has, by GUID (Rock/SystemGuid), and a few a church would add. Names are this sandbox's own."""

from __future__ import annotations

VALUES = (
    ("Record Type", "record type person", "36cf10d6-c695-413d-8e7c-4546efef385e", "Person"),
    ("Record Type", "record type business", "bf64add3-e70a-44ce-9c4b-e76bbed37550", "Business"),
    ("Record Type", "record type rest user", "e2261a84-831d-4234-9be0-4d628bbe751e", "RestUser"),
    ("Record Type", "record type nameless", "721300ed-1267-4da0-b4f2-6c6b5b17b1c5", "Nameless Person"),
    ("Record Type", "record type own", "0a000000-0000-4000-8000-000000000001", "Vendor"),
    ("Record Status", "record status active", "618f906c-c33d-4fa3-8aef-e58cb7b63f1e", "Active"),
    ("Record Status", "record status inactive", "1dad99d5-41a9-4865-8366-f269902b80a4", "Inactive"),
    ("Record Status", "record status pending", "283999ec-7346-42e3-b807-bce9b2babb49", "Pending"),
    ("Reason", "reason deceased", "05d35bc4-5816-4210-965f-1bf44f35a16a", "Deceased"),
    ("Reason", "reason moved", "3684cf84-f30f-4ce0-9eb9-d6affea9b99b", "Moved"),
    ("Connection Status", "connection member", "41540783-d9ef-4c70-8f1d-c9e83d91ed5f", "Member"),
    ("Connection Status", "connection attendee", "39f491c5-d6ac-4a9b-8ac0-c431cb17d588", "Attendee"),
    ("Connection Status", "connection visitor", "b91ba046-bc1e-400c-b85d-638c1f4e0ce2", "Visitor"),
    ("Connection Status", "connection prospect", "368dd475-242c-49c4-a42c-7278be690cc2", "Prospect"),
    ("Connection Status", "connection own", "0a000000-0000-4000-8000-000000000002", "Friend of the House"),
    ("Marital Status", "marital married", "5fe5a540-7d9f-433e-b47e-4229d1472248", "Married"),
    ("Marital Status", "marital single", "f19fc180-fe8f-4b72-a59c-8013e3b0eb0d", "Single"),
    ("Marital Status", "marital divorced", "3b689240-24c2-434b-a7b9-a4a6cba7928c", "Divorced"),
    ("Phone Type", "phone mobile", "407e7e45-7b2e-4fcd-9605-ecb1339f2453", "Mobile"),
    ("Phone Type", "phone home", "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303", "Home"),
    ("Phone Type", "phone work", "2cc66d5a-f61c-4b74-9af9-590a9847c13c", "Work"),
    ("Phone Type", "phone own", "0a000000-0000-4000-8000-000000000003", "Fax"),
    ("Location Type", "location home", "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc", "Home"),
    ("Location Type", "location work", "e071472a-f805-4fc4-917a-d5e3c095c35c", "Work"),
    ("Location Type", "location previous", "853d98f1-6e08-4321-861b-520b4106cfe0", "Previous"),
    ("Transaction Type", "transaction contribution", "2d607262-52d6-4724-910d-5c6e8fb89acc", "Contribution"),
    ("Transaction Type", "transaction registration", "33cb96dd-8752-4bee-a142-88db7de538f0", "Event Registration"),
    ("Transaction Type", "transaction receipt", "f57aaf36-f208-4a85-a078-e2b1f91798eb", "Receipt"),
    ("Currency Type", "currency cash", "f3adc889-1ee8-4eb6-b3fd-8c10f3c8af93", "Cash"),
    ("Currency Type", "currency check", "8b086a19-405a-451f-8d44-174e92d6b402", "Check"),
    ("Currency Type", "currency card", "928a2e04-c77b-4282-888f-ec549cee026a", "Credit Card"),
    ("Currency Type", "currency ach", "dabee8fd-aedf-43e1-8547-4c97fa14d9b6", "ACH"),
    ("Currency Type", "currency noncash", "7950ff66-80ee-e8ab-4a77-4a13edeb7513", "Non-Cash"),
    ("Currency Type", "currency apple pay", "d42c4df7-1ae9-4dde-ada2-774b866b798c", "Apple Pay"),
    ("Currency Type", "currency own", "0a000000-0000-4000-8000-000000000004", "Kiosk Coins"),
    ("Purpose", "purpose check-in template", "4a406cb0-495b-4795-b788-52bdfde00b01", "Check-in Template"),
)
"""(list, short name, GUID, the church's word)"""

GROUP_TYPES = (
    ("family", "790e3215-3b10-442b-af69-616c0dcb998e", "Family"),
    ("security role", "aece949f-704c-483e-a4fb-93d5e4720c4c", "Security Role"),
    ("known relationships", "e0c5a0e2-b7b3-4ef4-820d-bbf7f9a374ef", "Known Relationships"),
    ("peer network", "8c0e5852-f08f-4327-9aa5-87800a6ab53e", "Peer Network"),
    ("communication list", "d1d95777-ffa3-cbb3-4a6d-658706daed33", "Communication List"),
    ("event attendees", "3311132b-268d-44e9-811a-a56a0835e50a", "Event Attendees"),
    ("application group", "3981cf6d-7d15-4b57-aace-c0e25d28bd49", "Application Group"),
    ("serving team", "2c42b2d4-1c5f-4ad5-a9ad-08631b872ac4", "Serving Team"),
    ("section", "fab75ec6-0402-456a-be34-252097de4f20", "Small Group Section"),
    ("small group", "50fcfb30-f51a-49df-86f4-2b176ea1820b", "Small Group"),
    ("general", "8400497b-c52f-40ae-a529-3fccb9587101", "General Group"),
    ("fundraising", "4be7fc44-332d-40a8-978e-47b7035d7a0c", "Fundraising Opportunity"),
    ("check-in area", "fedd389a-616f-4a53-906c-63d8255631c5", "Weekly Service Check-in Area"),
    ("own type", "0b000000-0000-4000-8000-000000000001", "Choir Section"),
)
"""(short name, GUID, label)"""

GROUP_ROLES = (
    ("adult", "2639f9a5-2aae-4e48-a8c3-4ffe86681e42", "family", False),
    ("child", "c8b1814f-6aa7-4055-b2d7-48fe20429cb9", "family", False),
    ("security member", "00f3ac1c-71b9-4ee5-a30e-4c48c8a0bf1f", "security role", False),
    ("owner", "7bc6c12e-0cd1-4dfd-8d5b-1b35ae714c42", "known relationships", False),
    ("member", "0c000000-0000-4000-8000-000000000001", "small group", False),
    ("leader", "0c000000-0000-4000-8000-000000000002", "small group", True),
)
"""(short name, GUID, type, leads)"""

PERSONS = (
    ("Giver", "Anonymous", "802235dc-3ca5-94b0-4326-aace71180f48"),
    ("Anonymous", "Visitor", "7ebc167b-512d-4683-9d80-98b6bb02e1b9"),
    ("System", "Sender", "817e7c25-6cb1-4ed0-b224-ff3c4da0b716"),
)
