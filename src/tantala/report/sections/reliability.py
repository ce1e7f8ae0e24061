"""Error rates over time, temperature and cycling, before and after ECC, and how they are
computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.report import plots
from tantala.report.document import (
    Beside,
    Block,
    Column,
    Figure,
    Heading,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)
from tantala.report.notation import integer, power_of_ten, scaled, storage_time, symbol, written

if TYPE_CHECKING:
    from tantala.report.page import Datasheet


def reliability(sheet: Datasheet) -> Section:
    """Error rates, retention, endurance, and the control of the tail method."""
    identity = sheet.identity
    rates = sheet.error_rates
    limit = sheet.uber_limit
    curves = Figure(
        "error_rate",
        f"Error rates against storage time after {integer(rates.cycles)} cycles, by storage"
        " temperature. Left: raw, before correction. Right: uncorrectable bit error rate. Dotted:"
        f" the stated {storage_time(identity.retention_time_s)}.",
        plots.error_rate(
            rates.time_s,
            [float(kelvin) for kelvin in rates.temperature_K],
            rates.raw,
            rates.uncorrectable,
            limit,
            (identity.retention_time_s, identity.retention_temperature_K),
        ),
    )
    blocks: list[Block] = [
        Paragraph(_text(sheet)),
        curves,
        _retention(sheet),
        _sweeps(sheet),
        _endurance(sheet),
        Heading("How rates below counting are computed"),
        Paragraph(_method(sheet)),
        _control(sheet),
    ]
    return Section("reliability", "Reliability", tuple(blocks))


def _text(sheet: Datasheet) -> Text:
    identity = sheet.identity
    return Markup(
        "Data are lost when a cell's conductance drifts across the reference: relaxation in"
        " the hours"
        " after a write, then retention loss, both stronger in a cell's tail than in its middle."
        " {} stored bits form a word of {} data bits, of which {} wrong ones are corrected; a word"
        " with more is uncorrectable. The uncorrectable bit error rate (UBER) is the number of"
        " uncorrectable words per data bit read, each word read once at the stated age."
    ).format(identity.word_stored_bit, identity.word_bit, identity.correctable or "no")


def _retention(sheet: Datasheet) -> Table:
    identity = sheet.identity
    rows = []
    for entry in sheet.retention:
        lasts = (
            f"over {storage_time(sheet.error_rates.time_s[-1])}"
            if entry.time_to_limit_s is None
            else storage_time(entry.time_to_limit_s or sheet.error_rates.time_s[0])
        )
        if entry.time_to_limit_s == 0.0:
            lasts = f"less than {lasts}"
        met = entry.uncorrectable <= sheet.uber_limit
        stated = abs(entry.temperature_K - identity.retention_temperature_K) < 0.5
        rows.append(
            Row(
                (
                    Markup("<b>{}</b>{}" if stated else "{}{}").format(
                        written(entry.temperature_K, "K"), "" if entry.calibrated else " *"
                    ),
                    power_of_ten(entry.raw),
                    power_of_ten(entry.uncorrectable),
                    "yes" if met else "no",
                    lasts,
                ),
                "missed" if stated and not met else "",
            )
        )
    columns = (
        Column("Stored at"),
        Column("Raw bit error rate", "right"),
        Column("UBER", "right"),
        Column("Within limit", "center"),
        Column("Time until UBER reaches the limit", "right"),
    )
    caption = (
        f"Data retention: error rates after {storage_time(identity.retention_time_s)}, following"
        f" {integer(identity.endurance_cycles)} cycles; limit UBER {power_of_ten(sheet.uber_limit)}"
    )
    notes = ["Bold: the temperature of the stated retention."]
    if not all(entry.calibrated for entry in sheet.retention):
        notes.append("*: beyond the ages for which the cell was calibrated; an extrapolation.")
    return Table("retention", caption, columns, tuple(rows), tuple(notes))


def _sweeps(sheet: Datasheet) -> Beside:
    identity = sheet.identity
    rows = sheet.endurance

    def column(name: str) -> plots.Array:
        return plots.np.array([getattr(row, name) for row in rows], dtype=float)

    curves = [
        plots.CyclingCurve(
            state, column("cycles"), column(f"{state}_median_S"), column(f"{state}_tail_S"), "10⁻⁶"
        )
        for state in ("low", "high")
    ]
    stated = identity.retention_temperature_K
    window = Figure(
        "cycling",
        "Window as written against cycles: medians and the cell in a million"
        " nearest to the"
        " reference"
        " (line). Dotted: stated cycles.",
        plots.cycling(curves, identity.endurance_cycles, sheet.margin.reference_S),
    )
    hot = sheet.temperature_sweep
    bake = Figure(
        "temperature",
        f"Error rates after {storage_time(identity.retention_time_s)} against storage temperature."
        " Dotted: stated temperature; dashed: required UBER.",
        plots.temperature_sweep(
            hot.temperature_K,
            {"raw": hot.raw[:, 0], "after ECC": hot.uncorrectable[:, 0]},
            sheet.uber_limit,
            stated,
            identity.retention_time_s,
        ),
    )
    return Beside((window, bake))


def _endurance(sheet: Datasheet) -> Table:
    identity = sheet.identity
    rows = []
    for entry in sheet.endurance:
        low, low_unit = scaled([entry.low_median_S, entry.low_tail_S], "S")
        high, high_unit = scaled([entry.high_median_S, entry.high_tail_S], "S")
        stated = entry.cycles == identity.endurance_cycles
        missed = stated and entry.uncorrectable_aged > sheet.uber_limit
        rows.append(
            Row(
                (
                    Markup("<b>{}</b>" if stated else "{}").format(integer(entry.cycles)),
                    f"{low[0]} / {low[1]} {low_unit}",
                    f"{high[0]} / {high[1]} {high_unit}",
                    power_of_ten(entry.raw_fresh),
                    power_of_ten(entry.raw_aged),
                    power_of_ten(entry.uncorrectable_aged),
                ),
                "missed" if missed else "",
            )
        )
    columns = (
        Column("Cycles", "right"),
        Column("LRS median / tail", "right"),
        Column("HRS median / tail", "right"),
        Column("Raw, as written", "right"),
        Column("Raw, aged", "right"),
        Column("UBER, aged", "right"),
    )
    caption = (
        "Endurance: window and error rates against cycles; aged means"
        f" {storage_time(identity.retention_time_s)} at"
        f" {written(identity.retention_temperature_K, 'K')}"
    )
    notes = ("Bold: the stated cycles. Tail: the cell in a million nearest to the reference.",)
    return Table("endurance", caption, columns, tuple(rows), notes)


def _method(sheet: Datasheet) -> Text:
    return Markup(
        "No sampling could count rates of 10<sup>−15</sup>. {} is therefore the probability, under"
        " the same laws from which cells are sampled, that a cell lies beyond the reference:"
        " numerical quadrature over the tail of the written distribution, of relaxation and"
        " retention, and over the spread of the sense amplifiers. With independent errors the word"
        " fails with probability {} = Σ<sub>i&gt;t</sub> C(n, i) {}<sup>i</sup> (1 −"
        " {})<sup>n−i</sup>, summed as logarithms, and UBER = {} / k. Cells that stay unwritten"
        " or wear out count as hard faults: a word with such a fault corrects one error less, and"
        " their share among words is summed over. The control in"
        " {{table:control}} samples cells with seed {}, lets them age as the table says and counts"
        " those beyond a threshold moved to where counting is possible: the computed rate"
        " must agree"
        " with the exact binomial probability of what was counted."
    ).format(
        symbol("p_b"), symbol("p_w"), symbol("p_b"), symbol("p_b"), symbol("p_w"), sheet.origin.seed
    )


def _control(sheet: Datasheet) -> Table:
    rows = [
        Row(
            (
                "LRS" if entry.state == "low" else "HRS",
                entry.condition,
                written(entry.threshold_S, "S"),
                integer(entry.cells),
                integer(entry.counted),
                f"{entry.expected:,.1f}".replace(",", "\N{NARROW NO-BREAK SPACE}"),
                power_of_ten(entry.probability),
            ),
            "missed" if entry.probability < _ALARM else "",
        )
        for entry in sheet.tail_checks
    ]
    columns = (
        Column("State"),
        Column("Condition"),
        Column("Threshold", "right"),
        Column("Cells", "right"),
        Column("Counted", "right"),
        Column("Computed", "right"),
        Column("Probability", "right"),
    )
    notes = (
        "Probability: chance of a count at least as far from the computed one, two-sided, exact"
        f" binomial; below {power_of_ten(_ALARM)} the method would be in doubt and the line red.",
    )
    caption = "Control of the tail method: counted against computed"
    return Table("control", caption, columns, tuple(rows), notes)


_ALARM = 1e-6
