"""The products' pictures, drawn here in a few strokes: SVG, no photographs, nothing fetched."""

from collections.abc import Callable
from typing import Final

from regulars.doors.demo_shop.catalogue import Product

BEAN: Final = (
    '<g transform="translate({x} {y}) rotate({turn})"><ellipse rx="11" ry="7.5" fill="{fill}"/>'
    '<path d="M-9 -1C-4 -4 3 4 9 1" fill="none" stroke="{line}" stroke-width="1.8"/></g>'
)


def picture(product: Product) -> str:
    """The product as an SVG document, 240 units square, on a ground that is a tint of its colour."""
    ground = '<rect width="240" height="240" fill="#faf5ec"/>'
    drawn = _DRAWN[product.picture](product.colour, product.accent)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" role="img">'
        f'{ground}<rect width="240" height="240" fill="{product.colour}" opacity=".13"/>'
        f'<ellipse cx="120" cy="206" rx="72" ry="9" fill="{product.colour}" opacity=".22"/>{drawn}</svg>'
    )


def _bean(x: int, y: int, turn: int, fill: str, line: str) -> str:
    return BEAN.format(x=x, y=y, turn=turn, fill=fill, line=line)


def _bag(colour: str, accent: str) -> str:
    beans = _bean(120, 150, -25, accent, colour) + _bean(104, 166, 30, accent, colour)
    return (
        f'<path d="M74 62L82 46H158L166 62L172 204H68Z" fill="{colour}"/>'
        f'<path d="M74 62L82 46H158L166 62Z" fill="#000" opacity=".18"/>'
        f'<rect x="88" y="84" width="64" height="40" rx="3" fill="{accent}"/>'
        f'<path d="M98 98H142M98 110H128" stroke="{colour}" stroke-width="5" stroke-linecap="round"/>'
        f'{beans}{_bean(136, 167, -70, accent, colour)}<path d="M156 62L163 204H172L166 62Z" opacity=".16"/>'
    )


def _sack(colour: str, accent: str) -> str:
    return (
        f'<path d="M62 52Q120 38 178 52L188 204H52Z" fill="{colour}"/>'
        f'<path d="M62 52Q120 38 178 52L179 68Q120 54 61 68Z" fill="{accent}"/>'
        f'<circle cx="120" cy="132" r="38" fill="{accent}"/>'
        f"{_bean(110, 124, -30, colour, accent)}{_bean(132, 138, 35, colour, accent)}"
        f'{_bean(112, 150, 5, colour, accent)}<path d="M164 54L172 204H188L178 52Z" opacity=".15"/>'
    )


def _box(colour: str, accent: str) -> str:
    bags = "".join(
        f'<path d="M{x} 92L{x + 4} 74H{x + 36}L{x + 40} 92V150H{x}Z" fill="{fill}"/>'
        for x, fill in ((52, "#6b4430"), (100, "#2b4a72"), (148, "#a8452f"))
    )
    return (
        f'{bags}<path d="M38 128H202V204H38Z" fill="{colour}"/><path d="M38 128H202V144H38Z" opacity=".14"/>'
        f'<rect x="84" y="156" width="72" height="30" rx="3" fill="{accent}"/>'
        f'<path d="M96 171H144" stroke="{colour}" stroke-width="6" stroke-linecap="round"/>'
    )


def _cup(colour: str, accent: str) -> str:
    steam = "".join(
        f'<path d="M{x} 74q-10 -14 0 -26t0 -22" fill="none" stroke="{colour}" stroke-width="5" '
        'stroke-linecap="round" opacity=".45"/>'
        for x in (98, 122, 146)
    )
    return (
        f'{steam}<path d="M162 112h16a24 24 0 0 1 0 48h-20" fill="none" stroke="{colour}" stroke-width="13"/>'
        f'<path d="M66 92H174V150a52 52 0 0 1 -52 52h-4a52 52 0 0 1 -52 -52Z" fill="{colour}"/>'
        f'<ellipse cx="120" cy="92" rx="54" ry="11" fill="{accent}"/>'
        '<ellipse cx="120" cy="93" rx="46" ry="8" fill="#4a2c1c"/>'
        f'<path d="M72 124H168" stroke="{accent}" stroke-width="7"/>'
    )


def _mill(colour: str, accent: str) -> str:
    return (
        f'<path d="M120 62V40H168" fill="none" stroke="{colour}" stroke-width="8" stroke-linecap="round"/>'
        f'<circle cx="172" cy="40" r="12" fill="{accent}"/>'
        f'<path d="M84 96a36 34 0 0 1 72 0Z" fill="{accent}"/>'
        f'<rect x="80" y="96" width="80" height="108" rx="6" fill="{colour}"/>'
        f'<rect x="80" y="118" width="80" height="10" fill="{accent}"/>'
        f'<rect x="94" y="146" width="52" height="36" rx="4" fill="#fff" opacity=".14"/>'
        f'<circle cx="120" cy="164" r="6" fill="{accent}"/>'
    )


def _tin(colour: str, accent: str) -> str:
    leaf = f'<path d="M120 178c-26 -10 -26 -40 0 -56c26 16 26 46 0 56Z" fill="{colour}"/>'
    return (
        f'<rect x="70" y="70" width="100" height="134" rx="8" fill="{colour}"/>'
        f'<rect x="64" y="52" width="112" height="28" rx="6" fill="{accent}"/>'
        f'<circle cx="120" cy="148" r="36" fill="{accent}"/>{leaf}'
        f'<path d="M120 128V176" stroke="{accent}" stroke-width="3"/>'
        '<path d="M152 80h18v124h-18Z" opacity=".13"/>'
    )


def _bottles(colour: str, accent: str) -> str:
    return "".join(
        f'<path d="M{x + 10} 60h20v30q14 8 14 26v88H{x - 4}v-88q0 -18 14 -26Z" fill="{colour}"/>'
        f'<rect x="{x + 8}" y="46" width="24" height="16" rx="3" fill="{accent}"/>'
        f'<rect x="{x - 4}" y="130" width="48" height="40" fill="{accent}"/>'
        for x in (44, 100, 156)
    )


_DRAWN: Final[dict[str, Callable[[str, str], str]]] = {
    "bag": _bag,
    "sack": _sack,
    "box": _box,
    "cup": _cup,
    "mill": _mill,
    "tin": _tin,
    "bottles": _bottles,
}
