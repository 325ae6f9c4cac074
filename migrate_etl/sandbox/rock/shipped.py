"""Rows every Rock database has, by GUID (Rock/SystemGuid), and a few a church would add (GUIDs beginning with 0).

The short names are this sandbox's own; nothing in the database is called by them.
"""

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
    ("Inactive Record Reason", "reason deceased", "05d35bc4-5816-4210-965f-1bf44f35a16a", "Deceased"),
    ("Inactive Record Reason", "reason no activity", "64014fe6-943d-4acf-8014-fed9f9169ae8", "No Activity"),
    ("Inactive Record Reason", "reason moved", "3684cf84-f30f-4ce0-9eb9-d6affea9b99b", "Moved"),
    ("Review Reason", "review self inactivated", "d539c356-6856-4e94-80b4-8fea869af38b", "Self Inactivated"),
    ("Connection Status", "connection member", "41540783-d9ef-4c70-8f1d-c9e83d91ed5f", "Member"),
    ("Connection Status", "connection attendee", "39f491c5-d6ac-4a9b-8ac0-c431cb17d588", "Attendee"),
    ("Connection Status", "connection visitor", "b91ba046-bc1e-400c-b85d-638c1f4e0ce2", "Visitor"),
    ("Connection Status", "connection participant", "8ebc0ceb-474d-4c1b-a6ba-734c3a9ab061", "Participant"),
    ("Connection Status", "connection prospect", "368dd475-242c-49c4-a42c-7278be690cc2", "Prospect"),
    ("Connection Status", "connection own", "0a000000-0000-4000-8000-000000000002", "Friend of the House"),
    ("Connection Status", "connection retired", "0a000000-0000-4000-8000-000000000005", "Regular (old)"),
    ("Marital Status", "marital married", "5fe5a540-7d9f-433e-b47e-4229d1472248", "Married"),
    ("Marital Status", "marital single", "f19fc180-fe8f-4b72-a59c-8013e3b0eb0d", "Single"),
    ("Marital Status", "marital divorced", "3b689240-24c2-434b-a7b9-a4a6cba7928c", "Divorced"),
    ("Marital Status", "marital own", "0a000000-0000-4000-8000-000000000006", "Widowed"),
    ("Phone Type", "phone mobile", "407e7e45-7b2e-4fcd-9605-ecb1339f2453", "Mobile"),
    ("Phone Type", "phone home", "aa8732fb-2cea-4c76-8d6d-6aaa2c6a4303", "Home"),
    ("Phone Type", "phone work", "2cc66d5a-f61c-4b74-9af9-590a9847c13c", "Work"),
    ("Phone Type", "phone own", "0a000000-0000-4000-8000-000000000003", "Fax"),
    ("Group Location Type", "location home", "8c52e53c-2a66-435a-ae6e-5ee307d9a0dc", "Home"),
    ("Group Location Type", "location work", "e071472a-f805-4fc4-917a-d5e3c095c35c", "Work"),
    ("Group Location Type", "location previous", "853d98f1-6e08-4321-861b-520b4106cfe0", "Previous"),
    ("Group Location Type", "location meeting location", "96d540f5-071d-4bbd-9906-28f0a64d39c4", "Meeting Location"),
    ("Group Location Type", "location other", "d49965c7-5254-4d2d-bc77-f390375f0c44", "Other"),
    ("Location Type", "place campus", "c0d7ae35-7901-4396-870e-3aaf472aae88", "Campus"),
    ("Location Type", "place building", "d9646a93-1667-4a44-82da-12e1229b4695", "Building"),
    ("Location Type", "place room", "107c6da1-266d-4e1c-a443-1cd37064601d", "Room"),
    ("Transaction Type", "transaction contribution", "2d607262-52d6-4724-910d-5c6e8fb89acc", "Contribution"),
    ("Transaction Type", "transaction registration", "33cb96dd-8752-4bee-a142-88db7de538f0", "Event Registration"),
    ("Transaction Type", "transaction receipt", "f57aaf36-f208-4a85-a078-e2b1f91798eb", "Receipt"),
    ("Currency Type", "currency cash", "f3adc889-1ee8-4eb6-b3fd-8c10f3c8af93", "Cash"),
    ("Currency Type", "currency check", "8b086a19-405a-451f-8d44-174e92d6b402", "Check"),
    ("Currency Type", "currency card", "928a2e04-c77b-4282-888f-ec549cee026a", "Credit Card"),
    ("Currency Type", "currency ach", "dabee8fd-aedf-43e1-8547-4c97fa14d9b6", "ACH"),
    ("Currency Type", "currency noncash", "7950ff66-80ee-e8ab-4a77-4a13edeb7513", "Non-Cash"),
    ("Currency Type", "currency apple pay", "d42c4df7-1ae9-4dde-ada2-774b866b798c", "Apple Pay"),
    ("Currency Type", "currency android pay", "6151f6e0-3223-46ba-a59e-e091be4af75c", "Android Pay"),
    ("Currency Type", "currency unknown", "56c9ae9c-b5eb-46d5-9650-2ef86b14f856", "Unknown"),
    ("Currency Type", "currency other", "0fdf0bb3-b483-4c0a-9dff-a35abe3b688d", "Other"),
    ("Currency Type", "currency own", "0a000000-0000-4000-8000-000000000004", "Kiosk Coins"),
    ("Non-Cash Asset Type", "asset property", "ff4e8d66-cff2-4a96-aa30-19721884c373", "Property"),
    ("Non-Cash Asset Type", "asset stocks and bonds", "b29d7d89-357f-47f9-be7b-52aff3892007", "Stocks and Bonds"),
    ("Non-Cash Asset Type", "asset vehicles", "c1dcbe74-88fe-4876-8943-5783499cbbe0", "Vehicles"),
    ("Non-Cash Asset Type", "asset other", "3086af9a-108b-47c8-b299-cecf53b9d1df", "Other"),
    ("Financial Source", "source bank check", "61e46a46-7399-4817-a6ec-3d8495e2316e", "Bank Check"),
    ("Financial Source", "source website", "7d705ce7-7b11-4342-a58e-53617c5b4e69", "Website"),
    ("Financial Source", "source kiosk", "260eea80-821a-4f79-973f-49df79c955f7", "Kiosk"),
    ("Financial Source", "source mobile application", "8adcec72-63fc-4f08-a4cc-72bce470172c", "Mobile Application"),
    ("Financial Source", "source on-site collection", "be7ecf50-52bc-4774-808d-574ba842db98", "On-Site Collection"),
    ("Financial Source", "source text-to-give", "8ba95e24-d291-499e-a535-4dcac365689b", "Text-to-Give"),
    ("Credit Card Type", "card visa", "fc66b5f8-634f-4800-a60d-436964d27b64", "Visa"),
    ("Credit Card Type", "card mastercard", "6373a4b6-4dca-4eb6-9ade-b30e8a7f8621", "MasterCard"),
    ("Credit Card Type", "card american express", "696a54e3-352c-49fb-88a1-bcdbd81aa9ec", "American Express"),
    ("Credit Card Type", "card discover", "4b746601-e9eb-4660-ba13-c0b66b24e248", "Discover"),
    ("Credit Card Type", "card diners club", "1a9a4db9-aff3-4773-875c-c10346bd1ca7", "Diners Club"),
    ("Credit Card Type", "card jcb", "4dd7f0c2-f6b7-4510-90e6-287adc25fd05", "JCB"),
    ("Financial Frequency", "frequency one time", "82614683-7fb4-4f16-9087-6f85945a7b16", "One Time"),
    ("Financial Frequency", "frequency weekly", "35711e44-131b-4534-b0b2-f0a749292362", "Weekly"),
    ("Financial Frequency", "frequency every two weeks", "72990023-0d43-4554-8d32-28461cab8920", "Every two weeks"),
    ("Financial Frequency", "frequency twice a month", "791c863d-2600-445b-98f8-3e5b66a3dec4", "Twice a month"),
    ("Financial Frequency", "frequency 1st and 15th", "c752403c-0f88-45cd-b574-069355c01d77", "1st and 15th"),
    ("Financial Frequency", "frequency monthly", "1400753c-a0f9-4a45-8a1d-81c98450bd1f", "Monthly"),
    ("Financial Frequency", "frequency quarterly", "bf08ea03-c52a-4364-b142-12ebca7ca14a", "Quarterly"),
    ("Financial Frequency", "frequency twice a year", "691bb8ab-5f96-4e88-847c-cb970d9e87fa", "Twice a year"),
    ("Financial Frequency", "frequency yearly", "ac88c37a-901e-4cbb-947b-11348c208192", "Yearly"),
    ("Group Type Purpose", "purpose check-in template", "4a406cb0-495b-4795-b788-52bdfde00b01", "Check-in Template"),
    ("Group Type Purpose", "purpose check-in filter", "6bced84c-69ad-4f5a-9197-5c0f9c02dd34", "Check-in Filter"),
    ("Currency Code", "currency code euro", "0a000000-0000-4000-8000-000000000007", "EUR"),
)
"""(list, short name, GUID, the church's word)"""

RETIRED_VALUES = ("connection retired",)
"""Deactivated by the church, still worn by people."""

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
    ("organization unit", "aab2e9f4-e828-4fee-8467-73dc9dab784c", "Organization Unit"),
    ("fundraising", "4be7fc44-332d-40a8-978e-47b7035d7a0c", "Fundraising Opportunity"),
    ("check-in area", "fedd389a-616f-4a53-906c-63d8255631c5", "Weekly Service Check-in Area"),
    ("nursery area", "0b000000-0000-4000-8000-000000000002", "Nursery/Preschool Area"),
    ("elementary area", "0b000000-0000-4000-8000-000000000003", "Elementary Area"),
    ("worship", "0b000000-0000-4000-8000-000000000004", "Worship Attendance"),
    ("class", "0b000000-0000-4000-8000-000000000005", "Discipleship Class"),
    ("check-in by age", "0b000000-0000-4000-8000-000000000006", "Check in by Age"),
    ("own type", "0b000000-0000-4000-8000-000000000001", "Choir Section"),
)
"""(short name, GUID, label)"""

PURPOSES = {"check-in area": "purpose check-in template", "check-in by age": "purpose check-in filter"}
CHILD_TYPES = (
    ("check-in area", "nursery area"),
    ("check-in area", "elementary area"),
    ("check-in area", "worship"),
    ("section", "small group"),
    ("section", "section"),
)
"""(type, type allowed below it); a type may be allowed below itself."""

GROUP_ROLES = (
    ("adult", "2639f9a5-2aae-4e48-a8c3-4ffe86681e42", "family", "Adult"),
    ("child", "c8b1814f-6aa7-4055-b2d7-48fe20429cb9", "family", "Child"),
    ("security member", "00f3ac1c-71b9-4ee5-a30e-4c48c8a0bf1f", "security role", "Member"),
    ("owner", "7bc6c12e-0cd1-4dfd-8d5b-1b35ae714c42", "known relationships", "Owner"),
    ("can check in", "dc8e5c35-f37c-4b49-a5c6-df3d94fc808f", "known relationships", "Can check in"),
    ("allow check in by", "ff9869f1-bc56-4410-8a12-cafc32c62257", "known relationships", "Allow check in by"),
    ("grandparent", "567da89f-3c43-443d-a988-c05bc516ef28", "known relationships", "Grandparent"),
    ("grandchild", "c1a393b2-519d-4e46-a551-e48c36bcac06", "known relationships", "Grandchild"),
    ("sibling", "1d92f0e1-e161-4160-9c63-2d0a901d3c38", "known relationships", "Sibling"),
    ("relative parent", "6f3fadc4-6320-4b54-9cf6-02ef9586a660", "known relationships", "Parent"),
    ("relative child", "f87df00f-e86d-4771-a3ae-dbf79b78cf5d", "known relationships", "Child"),
    ("step parent", "d14827ef-5d43-442d-8134-deb58aac93c5", "known relationships", "Step Parent"),
    ("step child", "efd2d6d1-a407-4efb-9086-5df1f19b7d93", "known relationships", "Step Child"),
    ("previous spouse", "60c6142e-8e00-4678-bc2f-983bb7bde80b", "known relationships", "Previous Spouse"),
    ("business", "7fc58bb2-7c1e-4c5c-b2b3-4738258a0be0", "known relationships", "Business"),
    ("business contact", "102e6af5-62c2-4767-b473-c9c228d75fb6", "known relationships", "Business Contact"),
    ("peer owner", "cb9a0e14-6fcf-4c07-a49a-d7873f45e196", "peer network", "Owner"),
    ("peer", "fea75948-97cb-4de9-8a0d-43fa2646f55b", "peer network", "Related"),
)
"""(short name, GUID, type, label); none of them leads. The other types have a Member and a Leader."""

PERSONS = (
    ("Giver", "Anonymous", "802235dc-3ca5-94b0-4326-aace71180f48"),
    ("Anonymous", "Visitor", "7ebc167b-512d-4683-9d80-98b6bb02e1b9"),
    ("System", "Sender", "817e7c25-6cb1-4ed0-b224-ff3c4da0b716"),
)

ENTITY_TYPES = (
    ("Rock.Model.Person", None),
    ("Rock.Model.PrayerRequest", "f13c8fd2-7702-4c79-a6a9-86440dd5de13"),
    ("Rock.Model.FinancialPledge", "ce8060e6-21e7-49f5-bfbe-f632c816c232"),
    ("Rock.Model.FinancialTransactionRefund", "7616e2af-cef2-44a5-b27f-3e70ec8b70fa"),
    ("Rock.Model.GroupMember", None),
    ("Rock.Model.Registration", None),
)
GENERAL_FUND = "4410306f-3fb5-4a57-9a80-09a3f9d40d0c"
