"""A document as one self-contained HTML file, and the same HTML as PDF."""

from __future__ import annotations

import base64
import functools
import io
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tantala.base.errors import TantalaError
from tantala.report import style
from tantala.report.document import Document, Front, resolve


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


@functools.cache
def _font_data(face: str) -> str:
    """A face of the datasheet's font as a data URL, cut down to the characters that it sets."""
    import matplotlib
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / style.FONT_FILES[face]
    font = TTFont(file, recalcTimestamp=False)
    subsetter = Subsetter(Options(hinting=False, layout_features=["kern"], drop_tables=["FFTM"]))
    subsetter.populate(unicodes=style.FONT_CHARACTERS)
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
            fonts={face: _font_data(face) for face in style.FONT_FILES},
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
    return template.render(
        front=front,
        document=document,
        css=Markup(_css(front, name)),
        resolve=lambda text: resolve(text, document.labels),
    )


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
