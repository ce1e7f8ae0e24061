"""A document as one self-contained HTML file, and the same HTML as PDF."""

from __future__ import annotations

import base64
import functools
import io
import re
from html import unescape
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tantala.base.errors import TantalaError
from tantala.report import style
from tantala.report.document import Document, Front, resolve

_FACES = "/* font faces */"  # their place in the style sheet


class PrintUnavailable(TantalaError):
    """The PDF cannot be made on this machine; HTML and JSON are not affected."""


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tantala.report", "templates"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _font_faces(page: str) -> str:
    """The datasheet's faces as style rules, cut down to the characters of `page`.

    Basic Latin is whole: the print adds page numbers, and a reader may edit a word.
    """
    characters = frozenset(map(ord, unescape(page))) | frozenset(range(0x20, 0x7F))
    return "\n".join(
        f'@font-face {{ font-family: "{style.FONT}"; {rule};'
        f' src: url("{_font_data(face, characters)}") format("truetype"); }}'
        for face, rule in style.FONT_RULES.items()
    )


@functools.lru_cache(maxsize=8)
def _font_data(face: str, characters: frozenset[int]) -> str:
    """A face of the datasheet's font as a data URL, cut down to `characters`."""
    import matplotlib
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / style.FONT_FILES[face]
    font = TTFont(file, recalcTimestamp=False)
    # The kerning that is kept is the plain table's; reading the layout tables costs a second.
    drop = ["FFTM", "GDEF", "GPOS", "GSUB", "MATH"]
    subsetter = Subsetter(Options(hinting=False, legacy_kern=True, drop_tables=drop))
    subsetter.populate(unicodes=sorted(characters))
    subsetter.subset(font)
    data = io.BytesIO()
    font.save(data)
    return "data:font/ttf;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _css(front: Front, name: str) -> str:
    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    return (
        _environment()
        .get_template("datasheet.css")
        .render(
            font=style.FONT,
            running={
                "name": quoted(name),
                "title": quoted(front.title),
                "origin": quoted(front.origin),
            },
            colour={
                "ink": style.INK,
                "grey": style.GREY,
                "rule": style.RULE,
                "pale": style.PALE,
                "accent": style.ACCENT,
                "good": style.GOOD,
                "bad": style.BAD,
            },
        )
    )


def html(front: Front, document: Document, name: str) -> str:
    """The datasheet as a self-contained page: inline style, fonts and drawings; no script."""
    template = _environment().get_template("datasheet.html.j2")
    page = template.render(
        front=front,
        document=document,
        css=Markup(_css(front, name)),
        resolve=lambda text: resolve(text, document.labels),
    )
    return page.replace(_FACES, _font_faces(page), 1)


_DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)


def _as_image(match: re.Match[str]) -> str:
    data = base64.b64encode(match[0].encode()).decode("ascii")
    return f'<img class="drawing" alt="" src="data:image/svg+xml;base64,{data}">'


def pdf(page: str) -> bytes:
    """The page printed on A4.

    Raises: PrintUnavailable, with the reason and the remedy, where weasyprint or its system library
    is missing.
    """
    try:
        import weasyprint
    except ImportError as error:
        raise PrintUnavailable(
            "no PDF: weasyprint is not installed. Try: pip install 'tantala[pdf]'"
        ) from error
    except OSError as error:
        raise PrintUnavailable(
            "no PDF: weasyprint cannot load the Pango system library"
            f" ({str(error).splitlines()[0]}). Try: apt install libpango-1.0-0 libpangoft2-1.0-0"
            " (Debian), brew install pango (macOS)"
        ) from error
    # Drawings as images of their own: as parts of the page each of their elements would take its
    # turn in the page's style cascade, which costs seconds and changes nothing.
    page = _DRAWING.sub(_as_image, page)
    # A fixed identifier instead of a random one: the same design gives the same file.
    printed = weasyprint.HTML(string=page).write_pdf(pdf_identifier=b"tantala")
    assert printed is not None  # None comes back only when a target file is named
    return printed
