"""One screen of a datasheet for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tantala.report.sections.common import distance, figure_text

if TYPE_CHECKING:
    from tantala.report.page import Datasheet

_SHOWN = (
    "area_m2",
    "read_latency_s",
    "read_energy_per_bit_J",
    "write_time_s",
    "page_write_time_s",
    "write_energy_per_bit_J",
    "standby_W",
    "raw_bit_error_rate",
    "uber",
    "yield",
)


def summary(sheet: Datasheet) -> Group:
    """Key figures and the requirements, met or missed and by how much."""
    identity = sheet.identity
    head = Text.assemble((identity.title, "bold"), f"  ({identity.name}, seed {sheet.origin.seed})")
    figures = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("key figure", "min", "typ", "max"):
        figures.add_column(title, justify="left" if title == "key figure" else "right")
    for figure in sheet.key_figures:
        if figure.name in _SHOWN:
            values = (figure.minimum, figure.typical, figure.maximum)
            texts = [figure_text(figure.name, value, figure.unit) for value in values]
            figures.add_row(figure.title, *texts)
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("requirement", "limit", "worst", "at", "verdict"):
        rows.add_column(title, justify="right" if title in ("limit", "worst") else "left")
    for row in sheet.requirements:
        sign = "<=" if row.side == "max" else ">="
        verdict = ("met" if row.met else "MISSED") + f" by {distance(row)}"
        rows.add_row(
            row.title,
            f"{sign} {figure_text(row.name, row.limit, row.unit)}",
            figure_text(row.name, row.value, row.unit),
            row.condition,
            Text(verdict, style="green" if row.met else "bold red"),
        )
    return Group(head, "", figures, "", rows)
