"""Names, streets and words to make people of. No row of a real church is among them."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST_MALE = _words(
    "James Robert John Michael David William Richard Joseph Thomas Daniel Paul Mark Samuel Peter Luis Andre Wei "
    "Kofi Omar Ivan Anthony Steven Kevin Brian George Edward Timothy Jason Ryan Jacob Nathan Eric Stephen Aaron "
    "Caleb Elias Mateo Diego Hiroshi Raj Tunde Emeka Björn Tomás José Ángel Jean-Luc D'Andre Isaiah Malachi"
)
FIRST_FEMALE = _words(
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Sarah Karen Nancy Lisa Anna Ruth Grace Maria Chloe Mei "
    "Ama Leila Olga Margaret Sandra Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie "
    "Rebecca Laura Helen Sharon Cynthia Hannah Abigail Naomi Esther Priya Yuki Adaeze Zuri Ingrid María Renée "
    "Anne-Marie Lidia"
)
NICKNAMES = {
    "James": "Jim",
    "Robert": "Bob",
    "William": "Bill",
    "Richard": "Rick",
    "Thomas": "Tom",
    "Daniel": "Dan",
    "Samuel": "Sam",
    "Steven": "Steve",
    "Edward": "Ted",
    "Timothy": "Tim",
    "Patricia": "Pat",
    "Jennifer": "Jen",
    "Elizabeth": "Beth",
    "Barbara": "Barb",
    "Susan": "Sue",
    "Margaret": "Peggy",
    "Kimberly": "Kim",
    "Deborah": "Deb",
    "Rebecca": "Becky",
    "Cynthia": "Cindy",
}
LAST = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis "
    "Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera "
    "Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart "
    "Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim "
    "Cox Ward Richardson Watson Brooks Chavez Wood Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo "
    "Sanders Patel Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler "
    "Henderson Barnes Fisher Vasquez Simmons Okafor Mensah Kowalski Müller Søndergaard O'Brien O'Neil McDonald "
    "Van-Dyke Smith-Jones Nuñez Ibáñez Haddad Cohen Yamamoto Zhang"
)
STREETS = _words("Oak Maple Cedar Pine Elm Washington Lake Hill Walnut Spring Church Mill River Park Sunset Jackson")
CITIES = (
    ("Springfield", "IL", "62701"),
    ("Madison", "WI", "53703"),
    ("Peoria", "IL", "61602"),
    ("Dayton", "OH", "45402"),
    ("Joliet", "IL", "60432"),
    ("Rockford", "IL", "61101"),
)
PRAYERS = (
    "Please pray for my mother's surgery next week.",
    "Thankful for a new job after a long search.",
    "For our neighbours, who lost their home.",
    "Safe travels for the youth team.",
    "Wisdom for a hard decision.",
    "Praying for peace in our family.",
    "Our son starts college on Monday. Courage, please!",
    "Healing for a friend whom I may not name.",
)
GROUP_WORDS = _words(
    "Morning Evening Downtown Northside Riverside Young Couples Hope Grace Faith Bridge Harbor Anchor Cornerstone "
    "Vine Lakeside Foundry Table Cedar Journey"
)
TEAMS = ("Ushers", "Greeters", "Worship Band", "A/V Team", "Parking", "Coffee Bar", "Kids Volunteers", "Prayer Team")
CLASSES = ("Membership Class", "Financial Peace", "Alpha", "Marriage Course", "Old Testament Survey")
ROOMS = ("Nursery", "Toddlers", "Preschool", "Kindergarten", "Grades 1-2", "Grades 3-4", "Grade 5")
