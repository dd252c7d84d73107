"""Why something happened, as the reader says it: the book's own sentence, or its German."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from regulars.app.timeline import in_words
from regulars.domain.decisions import Trace
from regulars.doors.admin.figures import moment, money, number
from regulars.doors.admin.words import reader

Facts = Mapping[str, Any]


def reason(entry: Trace) -> str:
    """What this line of a trace says; in English where it is of a version that we don't know."""
    if reader().locale.language == "de" and entry.code in GERMAN:
        try:
            return GERMAN[entry.code](entry.facts)
        except (KeyError, ValueError, TypeError):
            return in_words(entry)
    return in_words(entry)


def _money(facts: Facts, name: str) -> str:
    return money(facts[name], facts["currency"])


def _at(value: object) -> str:
    return moment(datetime.fromisoformat(str(value)))


def _points(value: int) -> str:
    return f"{number(value)} {'Punkt' if value == 1 else 'Punkte'}"


def _because(facts: Facts) -> str:
    return f": {facts['reason']}" if facts.get("reason") else "."


def _says(text: str) -> Callable[[Facts], str]:
    return lambda _: text


def _given(facts: Facts) -> str:
    numerator, denominator = (int(part) for part in facts["rate"].split("/"))
    text = (
        f"{_points(facts['points'])} gutgeschrieben: {_money(facts, 'rewardable')} der Bestellung bringen "
        f"Punkte, {number(round(numerator / denominator, 4))} je Einheit, abgerundet."
    )
    return text + (f" Sie sind vorgemerkt bis {_at(facts['approves'])}." if facts.get("approves") else "")


def _taken(why: str) -> Callable[[Facts], str]:
    return lambda facts: (
        f"{_points(facts['points'])} zurückgenommen, {why}: jetzt {number(facts['taken'])} der "
        f"{number(facts['given'])} gutgeschriebenen."
    )


def _came_back(facts: Facts) -> str:
    return f"{_points(facts['points'])} zurück." if facts["points"] else "keine Punkte zurück."


def _fields(facts: Facts) -> str:
    return ", ".join(str(name).removesuffix("_minor").replace("_", " ") for name in facts["fields"])


STATES: Final = {"used": "verwendet", "cancelled": "storniert", "expired": "verfallen"}

GERMAN: Final[dict[str, Callable[[Facts], str]]] = {
    "joined": lambda facts: f"Der Kunde wurde Mitglied ab {_at(facts['on'])}.",
    "join: given": lambda facts: f"{_points(facts['points'])} für den Beitritt gutgeschrieben.",
    "join: blocked": _says("Nichts für den Beitritt: Der Kunde ist gesperrt."),
    "already a member": _says("Der Kunde war schon Mitglied, daher gab es nichts für die Anmeldung."),
    "kept as a guest": _says("Die Anmeldung nennt den Kunden einen Gast, daher wurde niemand Mitglied."),
    "birthday set": _says("Der Geburtstag wurde eingetragen."),
    "blocked": _says("Der Kunde wurde gesperrt: Ab jetzt sammelt er nichts."),
    "unblocked": _says("Der Kunde wurde entsperrt."),
    "merged": lambda facts: (
        f"{facts['actor']} führte Kunde {facts['customer']} mit Kunde {facts['into']} zusammen: "
        f"{_points(facts['available'])} verfügbar und {_points(facts['pending'])} vorgemerkt kamen mit, samt "
        "allen Bestellungen und Prämien. Das lässt sich nicht rückgängig machen"
        + (f". Grund: {facts['reason']}" if facts.get("reason") else ".")
    ),
    "merged: blocked": _says("Einer der beiden war gesperrt, also ist es auch der bleibende Kunde."),
    "erased": lambda facts: f"{facts['actor']} löschte diese Person: Nur das Buch der Punkte bleibt.",
    "adjusted": lambda facts: (
        f"{facts['actor']} {'gab' if facts['points'] > 0 else 'nahm'} {_points(abs(facts['points']))}"
        + _because(facts)
    ),
    "approved": lambda facts: (
        f"{_points(facts['points'])}, fällig am {_at(facts['due'])}, freigegeben und verfügbar."
    ),
    "purchase: given": _given,
    "purchase: off": _says("Nichts: Die Sammelregel war aus, als die Bestellung erfasst wurde."),
    "purchase: guest": _says("Nichts: Der Kunde war ein Gast, kein Mitglied, als bezahlt wurde."),
    "purchase: blocked": _says("Nichts: Der Kunde war gesperrt, als bezahlt wurde."),
    "purchase: below minimum": lambda facts: (
        f"Nichts: {_money(facts, 'payable')} liegen unter dem Minimum von {_money(facts, 'minimum')}."
    ),
    "purchase: too little": lambda facts: (
        f"Nichts: Die {_money(facts, 'rewardable')}, die Punkte bringen, reichen nicht für einen Punkt."
    ),
    "purchase: not paid": lambda facts: (
        f"Noch nichts: {_money(facts, 'paid')} von {_money(facts, 'payable')} sind bezahlt."
    ),
    "purchase: status": lambda facts: (
        f"Noch nichts: Bestellungen im Status „{facts['status']}“ bringen in diesem Programm keine Punkte."
    ),
    "purchase: cancelled": _says("Nichts: Die Bestellung ist storniert."),
    "purchase: refunded": _says("Nichts: Die Bestellung ist ganz erstattet."),
    "cancelled before it came": _says("Ihre Stornierung war vor der Bestellung selbst gekommen."),
    "refunded before it came": lambda facts: (
        f"Eine Erstattung von {_money(facts, 'refunded')} war vor der Bestellung selbst gekommen."
    ),
    "refund capped": lambda facts: (
        f"Gemeldet wurden Erstattungen von {_money(facts, 'told')}; sie zählen bis "
        f"{_money(facts, 'counted')}."
    ),
    "waits for its order": lambda facts: (
        f"Die Bestellung {facts['order']} ist noch nicht bekannt; dies wartet auf sie."
    ),
    "differs": lambda facts: (
        f"Die Bestellung war mit anderem Inhalt bekannt ({_fields(facts)}); der erste bleibt."
    ),
    "amended": lambda facts: (
        f"{facts['actor']} wendete den späteren Inhalt der Bestellung an ({_fields(facts)}): Ihre Punkte "
        "wurden zurückgenommen und neu gutgeschrieben."
    ),
    "taken: refund": _taken("wegen der Erstattung"),
    "taken: cancel": _taken("weil die Bestellung storniert wurde"),
    "taken: unpaid": _taken("weil die Bestellung nicht mehr ganz bezahlt ist"),
    "restored": lambda facts: (
        f"{_points(facts['points'])} zurückgegeben: jetzt sind {number(facts['taken'])} der "
        f"{number(facts['given'])} gutgeschriebenen zurückgenommen."
    ),
    "redeemed": lambda facts: f"{_points(facts['points'])} für „{facts['title']}“ ausgegeben.",
    "reward given": lambda facts: f"{facts['actor']} schenkte „{facts['title']}“" + _because(facts),
    "code handed out": lambda facts: (
        ("Ein Code aus dem Vorrat" if facts["source"] == "pool" else "Ein eigens erzeugter Code")
        + (f", gültig bis {_at(facts['expires'])}." if facts.get("expires") else ".")
    ),
    "claim cancelled": lambda facts: (
        f"{facts['actor']} stornierte „{facts['title']}“: {_came_back(facts)}"
        + (f" Grund: {facts['reason']}" if facts.get("reason") else "")
    ),
    "claim fulfilled": lambda facts: f"{facts['actor']} vermerkte, dass „{facts['title']}“ erfüllt ist.",
    "claim expired": lambda facts: (
        f"„{facts['title']}“ wurde bis {_at(facts['on'])} nicht verwendet und verfiel: {_came_back(facts)}"
    ),
    "code used": lambda facts: (
        f"„{facts['title']}“ wurde bei dieser Bestellung verwendet"
        + (", obwohl ein anderer Kunde sie eingelöst hatte." if facts.get("of_other") else ".")
    ),
    "code not used": lambda facts: (
        f"„{facts['title']}“ stand auf dieser Bestellung, ist aber schon "
        f"{STATES.get(facts['state'], facts['state'])}; daran änderte sich nichts."
    ),
    "code stays used": lambda facts: (
        f"„{facts['title']}“ bleibt verwendet: In diesem Programm kommen Codes mit einer Erstattung nicht "
        "zurück."
    ),
    "code returned": lambda facts: (
        f"„{facts['title']}“ kann wieder verwendet werden, da die Bestellung rückgängig gemacht wurde."
    ),
    "points of the code returned": lambda facts: (
        f"„{facts['title']}“ wurde mit der Bestellung rückgängig gemacht: {_came_back(facts)}"
    ),
}
