"""The demo's made-up coffee roaster: its goods, its customers, what its staff write. Nobody here exists."""

from typing import Final, NamedTuple

NAME: Final = "Kaffeehaus Regulars"
EMAIL_DOMAINS: Final = ("example.com", "mail.example", "post.example")
CURRENCY: Final = "EUR"
APPROVAL_DAYS: Final = 14

SHIPPING_MINOR: Final = 490
FREE_SHIPPING_MINOR: Final = 4500


class Product(NamedTuple):
    item: str
    name: str
    price_minor: int
    weight: int
    """How often it is bought, against the others."""


PRODUCTS: Final = (
    Product("HB-250", "House blend, 250 g", 890, 20),
    Product("HB-1000", "House blend, 1 kg", 2990, 12),
    Product("ES-250", "Espresso Nordwind, 250 g", 990, 16),
    Product("ES-1000", "Espresso Nordwind, 1 kg", 3290, 12),
    Product("ET-250", "Äthiopien Sidama, 250 g", 1190, 9),
    Product("CO-250", "Colombia Huila, 250 g", 1090, 8),
    Product("DE-250", "Decaf Abendruhe, 250 g", 1050, 7),
    Product("CB-6", "Cold brew, 6 bottles", 1850, 4),
    Product("TE-100", "Assam second flush, 100 g", 1240, 3),
    Product("FI-100", "Paper filters, 100", 450, 8),
    Product("CUP-1", "Cup “Stammgast”", 1650, 3),
    Product("MILL-1", "Hand mill", 8900, 1),
    Product("SUB-3", "Tasting box, three roasts", 2750, 4),
)


class Country(NamedTuple):
    name: str
    zips: tuple[str, ...]
    weight: int


COUNTRIES: Final = (
    Country("Germany", ("10115", "20095", "28195", "50667", "80331", "04109"), 60),
    Country("Austria", ("1010", "4020", "5020", "6020"), 18),
    Country("Netherlands", ("1012 AB", "3011 AA", "9711 LM"), 8),
    Country("France", ("67000", "75011", "69002"), 8),
    Country("Denmark", ("1050", "8000"), 6),
)

_FIRST_NAMES = """
    Anna Ben Clara David Elif Finn Greta Hannes Ines Jonas Katharina Lukas Marie Noah Olga Paul Ronja
    Simon Theresa Vincent Jürgen Käthe Björn Zoë André François Hélène Chloé Mathis Søren Mette Åse Freja
    Daan Sanne Joost Femke Agnieszka Łukasz Zofia Jiří Šárka Ayşe Emre Yağmur Giulia Matteo Lucía Íñigo
    João Inês Dimitra Nikos Amina Youssef Linh Minh Yuki Haruto Priya Arjun Siobhán Eoin Ioana Răzvan
    Márta Gergő
"""
_LAST_NAMES = """
    Ackermann Bergfeld Dornbusch Eichinger Falkenrath Grünwald Hölzl Immenstadt Jagstfeld Kühnert
    Lindhorst Morgenthal Nebelung Oberländer Pfeifenberger Quellmalz Rosenow Schönhuber Tannhofer
    Uhlenbrook Vogelsang Weißbach Zirngiebl Ångström Bjerregaard Østergård van_der_Meulen Hoekzema
    Delacroix-Petit Lefèvre Boisvert Kowalczewska Wójtowicz Dvořáčková Yıldırım Öztürkmen Bellandi
    Marchesoni Echeverría Figueiredo Papadimas Benhadda Nguyễn Tanigawa Chandrasekar Ó_Braonáin Munteanu
    Székelyhidi
"""
FIRST_NAMES: Final = tuple(_FIRST_NAMES.split())
LAST_NAMES: Final = tuple(name.replace("_", " ") for name in _LAST_NAMES.split())

REASONS: Final = (
    (50, "Parcel arrived late, with our apologies"),
    (100, "Took part in the tasting evening"),
    (25, "Wrong grind sent; customer kept it"),
    (150, "Brought three colleagues to the roastery tour"),
    (75, "Birthday card came back with a kind note"),
    (40, "Points of an order that was phoned in"),
    (-30, "Points given twice by mistake"),
    (60, "Damaged cup, customer did not want a new one"),
)
"""What staff gave or took, and why."""

CODES: Final = (("AUTUMN5", 500), ("NEWSLETTER3", 300), ("FRIENDS4", 400))
WELCOME: Final = ("WELCOME", 500)
"""For a first order."""

# Of a week from Monday, and of a day from midnight: when people order coffee.
WEEKDAYS: Final = (18, 13, 12, 13, 14, 16, 20)
HOURS: Final = (1, 0, 0, 0, 0, 1, 3, 7, 9, 8, 7, 6, 7, 6, 5, 5, 6, 7, 8, 10, 11, 9, 5, 2)
