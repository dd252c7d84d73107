"""The widget in each of its languages: why points moved, in sentences, and from right to left."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from regulars.app.storefront.widgets import Language
from tests.browser.storefront_mock import BUILT, LOGGED_OUT, Servers, Storefront, line, reward, running
from tests.browser.test_front_page import CHROMIUM
from tests.browser.test_widget import AXE, Shopper, axe_finds
from tests.browser.waits import expect
from tests.doors.storefront.examples import EXAMPLES

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
    pytest.mark.skipif(not (BUILT / "loader.js").is_file(), reason="the front end is not built"),
]

LANGUAGES = get_args(Language)
ARABIC = 'lang="ar" dir="rtl"'
LINES = [example.line() for example in EXAMPLES]

Make = Callable[..., Shopper]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running() as running_ones:
        yield running_ones


@pytest.fixture
def shopper(browser: Any, servers: Servers) -> Iterator[Make]:
    """Makes shoppers with a long story; no browser may have complained when it is over."""
    made: list[Shopper] = []
    servers.storefront = Storefront()
    servers.storefront.me["history"] = {"lines": LINES, "next": None}

    def make(**context: Any) -> Shopper:
        made.append(Shopper(browser, servers, **context))
        return made[-1]

    yield make
    complaints = [text for one in made for text in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


def history(one: Shopper) -> Any:
    """The lines of the history, all there."""
    one.page.get_by_role("tab").nth(3).click()
    lines = one.dialog.locator(".lines li")
    expect(lines).to_have_count(len(LINES))
    return lines


SAID = {
    "en": (
        "For £29.99 of the order: 5 points for every £4 you spend, rounded down. They are yours on 4 Dec.",
        "For ¥2,999 of the order: 5 points for every ¥4 you spend, rounded down.",
        "Thank you for joining!",
        "The shop gave you 30 points. “Sorry for the wait”",
        "18 of its 29 points stay yours.",
        "“£5 off” was not used by 4 Dec; its points are back.",
    ),
    "de": (
        "Für 29,99 £ der Bestellung: 5 Punkte je 4 £ Einkauf, abgerundet. Ab 4. Dez. gehören sie dir.",
        "Für 2.999 ¥ der Bestellung",
        "Danke, dass du mitmachst!",
        "Der Shop hat dir 30 Punkte geschenkt. „Sorry for the wait“",
        "Von ihren 29 Punkten bleiben dir 18.",
        "„£5 off“ wurde bis 4. Dez. nicht benutzt; die Punkte sind zurück.",
    ),
    "fr": (
        "Pour 29,99 £ de la commande : 5 points par tranche de 4 £, arrondi à l’entier inférieur.",
        "Le 4 déc., ils seront à vous.",
        "Pour 2 999 ¥ de la commande",
        "Merci de nous avoir rejoints !",
        "La boutique vous a offert 30 points. « Sorry for the wait »",
        "Il vous reste 18 de ses 29 points.",
    ),
    "es": (
        "Por 29,99 £ del pedido: 5 puntos por cada 4 £ de compra, redondeado hacia abajo.",
        "El 4 dic serán tuyos.",
        "Por 2999 ¥ del pedido",
        "¡Gracias por unirte!",
        "La tienda te ha regalado 30 puntos. «Sorry for the wait»",
        "De sus 29 puntos te quedan 18.",
    ),
    "ar": (
        "الإتاحة في 4 ديسمبر.",
        "5 نقاط لكل",
        "شكرًا لانضمامك!",
        "هدية من المتجر: 30 نقطة. «Sorry for the wait»",
        "خصم من المتجر: نقطتان.",
        "يبقى لك من نقاطه 18 من 29.",
    ),
}


def plainly(text: str) -> str:
    """Without what only says how to write it: isolates, marks, and blanks that don't break."""
    for mark in "\u2066\u2067\u2068\u2069\u200e\u200f":
        text = text.replace(mark, "")
    return " ".join(text.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_says_why_in_every_language(shopper: Make, language: str) -> None:
    jane = shopper().open(html=f'lang="{language}"')
    lines = history(jane)
    for place in range(len(LINES)):
        why, when = lines.nth(place).locator(".grow .quiet").all_inner_texts()
        assert len(why) > 4
        assert "{" not in why
        assert "undefined" not in why
        assert "2" in when
    whole = plainly(jane.dialog.inner_text())
    for sentence in SAID[language]:
        assert plainly(sentence) in whole
    jane.says_nothing_of("In English.")


@pytest.mark.parametrize(("language", "says"), [("en", True), ("de", False), ("ar", False)])
def test_a_reason_that_is_not_known_yet_is_said_in_english_alone(
    shopper: Make, language: str, says: bool
) -> None:
    jane = shopper()
    tomorrow = line(5, "purchase", "Gave 5 points for tomorrow.", reasons=[{"code": "tomorrow", "x": [1]}])
    jane.storefront.me["history"]["lines"] = [tomorrow, line(6, "purchase", "Gave 6 points.")]
    jane.open(html=f'lang="{language}"')
    jane.page.get_by_role("tab").nth(3).click()
    expect(jane.dialog.locator(".lines li")).to_have_count(2)
    expect(jane.dialog.locator(".lines .quiet")).to_have_count(4 if says else 2)
    if says:
        jane.says("Gave 5 points for tomorrow.", "Gave 6 points.")


def test_arabic_has_a_word_for_two_and_three_more_for_many(shopper: Make) -> None:
    jane = shopper()
    costs = {
        1: "نقطة واحدة",
        2: "نقطتان",
        3: "3 نقاط",
        10: "10 نقاط",
        11: "11 نقطة",
        99: "99 نقطة",
        100: "100 نقطة",
        102: "102 نقطة",
        103: "103 نقاط",
        1000: "1,000 نقطة",
    }
    jane.storefront.me["rewards"] = [
        reward(cost, f"Reward {cost}", cost, valid_days=cost) | {"standing": {"can": True}} for cost in costs
    ]
    jane.storefront.me["points"] |= {"available": 2, "pending": 0, "next_approval": None}
    jane.open(html=ARABIC)
    expect(jane.dialog.locator(".balance b")).to_have_text("نقطتان")
    expect(jane.dialog.locator(".rows .grow .quiet")).to_have_text(list(costs.values()))
    for cost, days in {1: "ليوم واحد", 2: "ليومين", 3: "3 أيام", 11: "11 يومًا", 100: "100 يوم"}.items():
        jane.dialog.locator(f"#reward-{cost}").click()
        expect(jane.dialog.locator(".chosen > .quiet")).to_contain_text(days)
        jane.page.get_by_role("button", name="رجوع").click()


def test_numbers_and_days_are_as_the_shoppers_country_writes_them(shopper: Make) -> None:
    jane = shopper(locale="ar-EG")
    jane.open(html=ARABIC)
    expect(jane.dialog.locator(".balance b")).to_have_text("٣٤٠")
    expect(history(jane).nth(3).locator(".sum")).to_have_text("+٣٠")
    jane.says("٤ ديسمبر")
    anna = shopper(locale="de-AT").open(html='lang="de"')
    history(anna)
    anna.says("Für £ 29,99 der Bestellung")


def test_arabic_runs_from_right_to_left_on_any_page(shopper: Make) -> None:
    jane = shopper()
    jane.storefront.program["widget"]["language"] = "ar"
    jane.open(html='lang="en"', body="<div data-regulars-rewards></div>")
    close = jane.page.get_by_role("button", name="إغلاق").bounding_box()
    title = jane.page.get_by_role("heading", name="Tea Circle").bounding_box()
    assert close["x"] < title["x"]
    expect(jane.dialog).to_have_attribute("dir", "rtl")
    expect(jane.page.locator("[data-regulars-rewards] .panel")).to_have_attribute("dir", "rtl")
    jane.page.get_by_role("tab", name="المكافآت").focus()
    jane.page.keyboard.press("ArrowLeft")
    jane.has_focus_on("BUTTON الكسب")


@pytest.mark.parametrize("html", [ARABIC, 'lang="he" dir="rtl"'])
def test_texts_that_run_the_other_way_keep_their_order_and_the_panels_side(shopper: Make, html: str) -> None:
    jane = shopper().open(html=html)
    last = history(jane).last.locator(".grow .quiet").first
    assert ("\u2068£5 off\u2069" in last.inner_text()) == ("ar" in html)
    jane.page.get_by_role("tab").nth(2).click()
    jane.says("We send it with your next order.")
    right_edges = jane.dialog.evaluate(
        """it => [...it.querySelectorAll(".ticket strong, .ticket .text, .ticket > .quiet")].map((text) => {
          const range = document.createRange();
          range.selectNodeContents(text);
          return Math.round(range.getBoundingClientRect().right);
        })"""
    )
    assert len(right_edges) > 8
    assert max(right_edges) - min(right_edges) <= 2


@pytest.mark.parametrize(
    ("language", "gives", "has"),
    [
        ("en", "49 points", "340 points"),
        ("de", "49 Punkte", "340 Punkte"),
        ("fr", "49 points", "340 points"),
        ("es", "49 puntos", "340 puntos"),
        ("ar", "49 نقطة", "340 نقطة"),
    ],
)
def test_the_shops_own_elements_name_points_in_its_language(
    shopper: Make, language: str, gives: str, has: str
) -> None:
    jane = shopper().visit(
        html=f'lang="{language}"',
        body='<p id="gives" data-regulars-product-points="39.99" data-regulars-unit></p>'
        '<p id="has" data-regulars-points data-regulars-unit></p>',
    )
    expect(jane.page.locator("#gives")).to_have_text(gives)
    expect(jane.page.locator("#has")).to_have_text(has)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_story_fits_any_screen(shopper: Make, language: str, width: int) -> None:
    html = ARABIC if language == "ar" else f'lang="{language}"'
    jane = shopper(viewport={"width": width, "height": 700}).open(html=html)
    for tab in range(4):
        jane.page.get_by_role("tab").nth(tab).click()
        expect(jane.page.get_by_role("tab").nth(tab)).to_have_attribute("aria-selected", "true")
        assert jane.dialog.locator(".scroll").evaluate("it => it.scrollWidth - it.clientWidth") == 0


@pytest.mark.skipif(AXE is None, reason="axe-core is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_to_mend_in_any_language(shopper: Make, language: str, scheme: str) -> None:
    html = ARABIC if language == "ar" else f'lang="{language}"'
    jane = shopper(color_scheme=scheme, reduced_motion="reduce").open(html=html)
    history(jane)
    assert axe_finds(jane.page) == []
    if language == "ar":
        for tab in (1, 2, 0):
            jane.page.get_by_role("tab").nth(tab).click()
            expect(jane.page.get_by_role("tab").nth(tab)).to_have_attribute("aria-selected", "true")
            assert axe_finds(jane.page) == []
        guest = shopper(color_scheme=scheme, reduced_motion="reduce").open(html=html, **LOGGED_OUT)
        assert axe_finds(guest.page) == []
