"""The parts a printed document is made of. Numbers of tables, figures and sections are given when
it is set.

A reference such as ``{table:retention}`` or ``{section:read}`` in any text becomes "Table 7" or
"Section 5" with a link; `number` raises on a reference to nothing, so a broken cross-reference
never reaches print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal

from markupsafe import Markup

Text = str | Markup


@dataclass(frozen=True)
class Paragraph:
    """Running text; `style` "note" is set smaller."""

    text: Text
    style: Literal["body", "note"] = "body"


@dataclass(frozen=True)
class Heading:
    """An unnumbered heading inside a section."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of short statements."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Column:
    """A table column: its heading and how its cells stand."""

    title: Text
    align: Literal["left", "right", "center"] = "left"
    width: str = ""


@dataclass(frozen=True)
class Row:
    """Cells of one line; `style` marks section lines ("head"), totals and missed requirements."""

    cells: tuple[Text, ...]
    style: Literal["", "head", "total", "missed"] = ""


@dataclass(frozen=True)
class Table:
    """A numbered table with footnotes."""

    key: str
    caption: Text
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[Text, ...] = ()
    dense: bool = False
    number: int = 0


@dataclass(frozen=True)
class Figure:
    """A numbered drawing; `svg` is a complete inline <svg> element."""

    key: str
    caption: Text
    svg: str
    number: int = 0


@dataclass(frozen=True)
class Beside:
    """Two figures side by side."""

    figures: tuple[Figure, Figure]


Block = Paragraph | Heading | Bullets | Table | Figure | Beside


@dataclass(frozen=True)
class Section:
    """A numbered section; `flow` "page" starts a page, "keep" stays on one."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    flow: Literal["", "page", "keep"] = ""
    number: int = 0


@dataclass(frozen=True)
class Front:
    """The first page above the contents list."""

    maker: str
    status: str
    title: str
    subtitle: str
    origin: str
    features: tuple[Text, ...]
    description: tuple[Text, ...]
    verdict: Text
    missed: bool
    glance: tuple[tuple[Text, Text, Text], ...]


@dataclass(frozen=True)
class Document:
    """Numbered sections, ready to be set."""

    sections: tuple[Section, ...]
    labels: dict[str, str] = field(default_factory=dict)


def number(sections: tuple[Section, ...]) -> Document:
    """Number sections, tables and figures in reading order and resolve the references between
    them.
    """
    labels: dict[str, str] = {}
    tables, figures = 0, 0
    numbered: list[Section] = []

    def count_figure(figure: Figure) -> Figure:
        nonlocal figures
        figures += 1
        labels[f"figure:{figure.key}"] = f"Figure {figures}"
        return replace(figure, number=figures)

    for section_number, section in enumerate(sections, start=1):
        labels[f"section:{section.key}"] = f"Section {section_number}"
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, Table):
                tables += 1
                labels[f"table:{block.key}"] = f"Table {tables}"
                block = replace(block, number=tables)
            elif isinstance(block, Figure):
                block = count_figure(block)
            elif isinstance(block, Beside):
                first, second = block.figures
                block = Beside((count_figure(first), count_figure(second)))
            blocks.append(block)
        numbered.append(replace(section, blocks=tuple(blocks), number=section_number))
    return Document(tuple(numbered), labels)


_REFERENCE = re.compile(r"\{(section|table|figure):([a-z_]+)\}")


def resolve(text: Text, labels: dict[str, str]) -> Markup:
    """`text` as markup with its references as links; plain strings are escaped.

    Raises: KeyError for a reference to a key the document does not have.
    """
    safe = str(Markup.escape(text))

    def link(match: re.Match[str]) -> str:
        key = f"{match[1]}:{match[2]}"
        return f'<a class="ref" href="#{match[1]}-{match[2]}">{labels[key]}</a>'

    return Markup(_REFERENCE.sub(link, safe))
