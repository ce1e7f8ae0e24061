"""Yield, and the requirements met or missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantala.report.document import Column, Paragraph, Row, Section, Table
from tantala.report.notation import capitalised, percent
from tantala.report.sections.common import distance, figure_symbol, figure_text

if TYPE_CHECKING:
    from tantala.report.page import Datasheet


def die_yield(sheet: Datasheet) -> Section:
    """Yield with repair and what takes it away."""
    org = sheet.organisation
    text = (
        "Defects are clustered (negative binomial law) and hit rows, columns or single cells of a"
        f" sub-array, which its {org.spare_rows} spare rows and {org.spare_columns} spare columns"
        " replace; a defect in the periphery, or more faults than spares, costs the die."
    )
    parts = sheet.breakdowns["yield"]
    rows = [Row((capitalised(name), _share(value))) for name, value in parts.items()]
    rows.append(Row(("Yield", _share(sum(parts.values()), 4)), "total"))
    columns = (Column("Dies", width="60%"), Column("Share of all dies", "right"))
    table = Table("yield", "Yield", columns, tuple(rows))
    return Section("yield", "Yield", (Paragraph(text), table), "keep")


def _share(value: float, digits: int = 3) -> str:
    """A share in per cent; what is less than a ten-millionth of the dies is nothing."""
    return percent(value, digits) if abs(value) >= 1e-7 else percent(0.0)


def requirements(sheet: Datasheet) -> Section:
    """Every stated requirement against the worst corner and temperature."""
    rows = [
        Row(
            (
                figure_symbol(row.name),
                row.title,
                f"{'≤' if row.side == 'max' else '≥'} {figure_text(row.name, row.limit, row.unit)}",
                figure_text(row.name, row.value, row.unit),
                row.condition,
                f"by {distance(row)}",
                "met" if row.met else "missed",
            ),
            "" if row.met else "missed",
        )
        for row in sheet.requirements
    ]
    columns = (
        Column("Symbol"),
        Column("Requirement"),
        Column("Limit", "right"),
        Column("Worst", "right"),
        Column("at"),
        Column("Margin", "right"),
        Column("Verdict"),
    )
    notes = (
        "Margin: distance between worst value and limit, as a share of the limit; for rates, and"
        " where it is more than the limit itself, the factor between them.",
    )
    caption = "Stated requirements against the worst corner and temperature"
    table = Table("requirements", caption, columns, tuple(rows), notes)
    return Section("requirements", "Requirements", (table,), "keep")
