"""Where the figures come from: assumptions by influence, limits of the model, sources, how to
re-make.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.report.document import Bullets, Column, Heading, Paragraph, Row, Section, Table, Text
from tantala.report.influence import FEW, PRINTED, WRITTEN
from tantala.report.notation import integer, percent, plain, printed_unit, significant
from tantala.report.sections.common import figure_symbol

if TYPE_CHECKING:
    from tantala.report.figures import Influence
    from tantala.report.page import Datasheet


def assumptions(sheet: Datasheet) -> Section:
    """Assumed numbers by what moving each does to the headline figures."""
    ranked = sheet.influences
    headline = sheet.headline
    assumed = sum(entry.numbers.get("assumed", 0) for entry in sheet.sources)
    text = Markup(
        "Of the numbers behind this datasheet {} are assumed, not measured, fitted or"
        " derived; {}. Each was"
        " moved from the low to the high end of its span (stated with the number, else ±20 %) while"
        " all others stayed; {{table:influence}} lists the change of the headline figures"
        " between the"
        " two ends, largest first: the macro and its cell evaluated again at either end. The"
        " organisation stays as it is, and so does the share of cells that writing leaves"
        " unverified, which is too rare to be counted anew for each number."
    ).format(integer(assumed), _zeros(assumed - len(ranked)))
    columns = (
        Column("Assumed number", width="34%"),
        Column("Value", "right", "11%"),
        Column("Span", "right", "13%"),
        *(Column(figure_symbol(name), "right") for name in headline),
    )
    rows = tuple(_row(entry, headline) for entry in ranked[:PRINTED])
    quiet = ranked[PRINTED:]
    estimated = sum(entry.approximate for entry in quiet)
    notes = [
        "Unit ×: a list of numbers, scaled as a whole. Change of the figure over the whole"
        " span: per cent, or a factor where it is more than"
        " twofold. A dash is less than 0.1 %.",
    ]
    if quiet:
        notes.append(
            f"{len(quiet)} further numbers change no headline figure by more than"
            f" {_most(quiet[0].rank)}; the JSON file lists all, with elasticities."
            + _estimated(estimated)
        )
    table = Table("influence", "Assumptions by influence", columns, rows, tuple(notes), dense=True)
    return Section("assumptions", "Assumptions by influence", (Paragraph(text), table))


def _zeros(count: int) -> str:
    """What became of the numbers that no share moves."""
    return f"{count} of them are zero and stay" if count else "none of them is zero"


def _most(log_ratio: float) -> str:
    """A change upwards or downwards, as in the table."""
    if log_ratio > math.log(2):
        return f"a factor {significant(math.exp(log_ratio), 2)}"
    return percent(math.expm1(log_ratio), 2)


def _estimated(count: int) -> str:
    """What is approximate among the numbers that are not in print."""
    if not count:
        return ""
    return (
        f" {count} of these have a part in writing and were estimated from {integer(FEW)} written"
        f" cells instead of {integer(WRITTEN)}; they are marked approximate there."
    )


def _row(entry: Influence, headline: tuple[str, ...]) -> Row:
    def number(value: float) -> str:
        if value == 0 or 1e-2 <= abs(value) < 1e5:
            return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
        head, _, exponent = f"{value:.2e}".partition("e")
        return f"{head.rstrip('0').rstrip('.')}e{int(exponent)}"

    name = Markup("<small>{}</small> {}").format(entry.item, entry.number)
    unit = "" if entry.unit == "1" else f" {printed_unit(entry.unit)}"
    cells: list[Text] = [
        name,
        f"{number(entry.value)}{unit}",
        f"{number(entry.low)} … {number(entry.high)}",
    ]
    cells += [_change(entry.effects.get(figure, 0.0)) for figure in headline]
    return Row(tuple(cells))


def _change(log_ratio: float) -> str:
    if abs(log_ratio) < 1e-3:
        return "–"
    if abs(log_ratio) > math.log(2):
        return ("× " if log_ratio > 0 else "÷ ") + significant(
            min(math.exp(abs(log_ratio)), 1e99), 2
        )
    sign = "+" if log_ratio > 0 else ""
    return sign + percent(math.expm1(log_ratio), 2)


def limits(sheet: Datasheet) -> Section:
    """What the model leaves out, what was not measured, what was extrapolated."""
    blocks = [Bullets(tuple(plain(text) for text in LEFT_OUT))]
    if sheet.not_measured:
        blocks += [
            Heading("Not measured on this cell"),
            Bullets(tuple(sheet.not_measured)),
        ]
    if sheet.extrapolated:
        blocks += [
            Heading("Beyond the range of calibration"),
            Bullets(tuple(sheet.extrapolated)),
        ]
    return Section("limits", "What the model leaves out", tuple(blocks))


LEFT_OUT: tuple[str, ...] = (
    "Silicon. No chip of this design was made; figures of a class that published chips report stand"
    " beside them in `tantala silicon`.",
    "Layout beyond area by part: pads, seal ring, power grid and wiring congestion are shares, not"
    " drawings. Supply noise, ground bounce and coupling between bit lines are not computed.",
    "Errors are taken as independent: failures that strike several bits of one word at once,"
    " such as"
    " a particle or a word-line defect after test, are outside the error rates.",
    "Radiation, magnetic fields, mechanical stress and humidity.",
    "Early failures: the figures hold for dies that passed test and repair.",
    "Test time, test cost and price.",
)


def sources(sheet: Datasheet) -> Section:
    """Bibliography of every number used, and how to make this datasheet again."""
    rows = tuple(
        Row((str(index), entry.text, _counts(entry.numbers)))
        for index, entry in enumerate(sheet.sources, start=1)
    )
    columns = (Column("", "right", "5%"), Column("Source"), Column("Numbers used", width="24%"))
    origin = sheet.origin
    again = (
        Row(("Command", Markup("<code>{}</code>").format(origin.command))),
        Row(("Check", Markup("<code>{}</code>").format(origin.check))),
        Row(("Version", f"tantala {origin.version}")),
        Row(("Seed", str(origin.seed))),
        Row(("Design file", Markup("SHA-256 <code>{}</code>").format(origin.design_sha256))),
    )
    remake = Table(
        "remake",
        "How to make this datasheet again",
        (Column("", width="16%"), Column("")),
        again,
        ("The same version, design file and seed give the same figures on any machine.",),
    )
    kinds: dict[str, int] = {}
    for entry in sheet.sources:
        for kind, count in entry.numbers.items():
            kinds[kind] = kinds.get(kind, 0) + count
    caption = (
        f"Sources of the {integer(sum(kinds.values()))} cited numbers behind this datasheet:"
        f" {_counts(kinds)}"
    )
    table = Table("sources", caption, columns, rows)
    return Section("sources", "Sources and reproduction", (table, remake))


def _counts(counts: dict[str, int]) -> str:
    """Counts by kind as text: "12 measured, 3 assumed"."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
