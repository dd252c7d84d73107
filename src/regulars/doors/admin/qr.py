"""QR codes as SVG, for phones to read an address off the screen."""

import io

import segno
from markupsafe import Markup


def qr_svg(text: str) -> Markup:
    """The picture, black on white in any colours of the page, with a quiet zone around it."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer,
        kind="svg",
        xmldecl=False,
        svgns=True,
        scale=4,
        border=4,
        dark="#000",
        light="#fff",
        omitsize=False,
    )
    return Markup(buffer.getvalue().decode())  # noqa: S704 - it holds squares alone
