"""Read access: timing, where the time and the energy go, and the margin between the states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.macro.compile_cell import DEEPEST
from tantala.report import array_maps, bars, diagrams, plots
from tantala.report.document import Block, Column, Figure, Paragraph, Row, Section, Table
from tantala.report.notation import integer, power_of_ten, scaled, storage_time, symbol, written

if TYPE_CHECKING:
    from tantala.report.figures import StateFigures
    from tantala.report.page import Datasheet


def reading(sheet: Datasheet) -> Section:
    """Timing diagram, latency waterfall, energy by part, distributions and margin."""
    latency, cycle = sheet.key("read_latency_s"), sheet.key("read_cycle_s")
    parts = sheet.breakdowns["read_latency_s"]
    phases = [
        diagrams.Phase("t", str(index), name, seconds)
        for index, (name, seconds) in enumerate(
            ((name, s) for name, s in parts.items() if s > 0), start=1
        )
    ]
    at = f"Typical corner, {written(sheet.identity.temperature_typical_K, 'K')}."
    blocks: list[Block] = [
        Figure(
            "read_timing",
            f"Read access, to scale in time, with the steps of {{figure:read_latency}}. {at}",
            diagrams.read_timing(phases, latency.typical, cycle.typical),
        ),
        Figure(
            "read_latency",
            f"Where the access time goes. {at}",
            bars.waterfall(parts, "s", "Read access time", symbol="t"),
        ),
        *_margin(sheet),
        *_solved(sheet),
    ]
    return Section("read", "Read", tuple(blocks))


def _margin(sheet: Datasheet) -> tuple[Block, ...]:
    margin, identity = sheet.margin, sheet.identity
    aged = (
        f"{integer(identity.endurance_cycles)} cycles and"
        f" {storage_time(identity.retention_time_s)} at"
        f" {written(identity.retention_temperature_K, 'K')}"
    )
    curves = [
        plots.StateCurve(
            state=state.state,
            label=_name(state) + (", end of life" if state.aged else ", as written"),
            aged=state.aged,
            conductance=state.conductance_S,
            density=state.density_per_S,
            beyond=state.beyond,
        )
        for state in margin.states
    ]
    half = (margin.usable_A + margin.offset_A) / margin.read_voltage_V
    window = (margin.reference_S - half, margin.reference_S + half)
    text = (
        f"A read puts {written(margin.read_voltage_V, 'V')} across a column, of which its lines"
        " and the multiplexer take a part, and compares the current with"
        f" a reference of {written(margin.reference_A, 'A')}, what"
        f" {written(margin.reference_S, 'S')} alone would draw. A cell is read safely when its"
        " conductance, with the resistance of its path, stays"
        " outside the sense window: on either side of the reference the current difference that the"
        f" sense time needs, {written(margin.usable_A, 'A')}, and one standard deviation of the"
        f" amplifier's comparison, {written(margin.offset_A, 'A')}. End of life means {aged}."
    )
    picture = Figure(
        "distributions",
        "Conductance of the two states, as written and at the end of life. Left: density. Right:"
        " fraction of cells beyond a conductance on the side where they would be misread. Line:"
        " reference; band: sense window. Cells alone: {table:levels} counts with the resistance of"
        " their column, behind which a cell must conduct more for the same current.",
        plots.distributions(curves, margin.reference_S, window),
    )
    return (Paragraph(text), picture, _levels(sheet))


def _solved(sheet: Datasheet) -> tuple[Block, ...]:
    """One sub-array on its real lines, solved cell by cell."""
    found = sheet.subarray_read
    where = f"{found.corner} corner, {written(found.temperature_K, 'K')}"
    text = (
        f"The lines of a sub-array ({found.rows} rows and {found.columns} columns with its spare,"
        " edge and reference lines) are not lumped:"
        " every column is a ladder of its source line and bit line with a cell at each row, solved"
        f" exactly (residual {found.residual:.0e}). A line has"
        f" {written(found.line_ohm, 'ohm')}, the multiplexer {written(found.mux_ohm, 'ohm')}; both"
        " lines are driven from opposite ends, so every cell has the same length of wire in its"
        f" path. The rows that are off leak {written(found.leakage_A, 'A')} into a column at its"
        f" worst. The worst-case read margin is"
        f" {written(found.low_tail_A - found.high_tail_A, 'A')}, at the {where}: between the"
        " weakest low-resistance and the strongest high-resistance cell that sensing must reach"
        f" (one in {power_of_ten(1.0 / found.tail)} each), in the row that is worst for each."
    )
    picture = Figure(
        "ir_drop",
        f"Reads at the end of life with random data, {where}: {found.selected_rows.size} rows by"
        f" {found.solved_columns.size} columns of one sub-array. Left: what lines, multiplexer and"
        " leakage take of the read voltage. Right: sensed currents; dotted: their mean without"
        " lines and leakage; line: reference; band: worst-case margin.",
        array_maps.subarray_read(found),
    )
    return Paragraph(Markup(text)), picture


def _name(state: StateFigures) -> str:
    return "LRS" if state.state == "low" else "HRS"


def _levels(sheet: Datasheet) -> Table:
    margin = sheet.margin
    errors = sheet.breakdowns["raw_bit_error_rate"]
    failed = sum(part for name, part in errors.items() if name.startswith("cells"))
    rows = []
    for state in margin.states:
        (mean, median, tail), unit = scaled((state.mean_S, state.median_S, state.tail_S), "S")
        rows.append(
            Row(
                (
                    _name(state),
                    "end of life" if state.aged else "as written, new",
                    mean,
                    median,
                    tail,
                    unit,
                    power_of_ten(state.misread, least=DEEPEST),
                )
            )
        )
    columns = (
        Column("State"),
        Column("Age"),
        Column("Mean", "right"),
        Column("Median", "right"),
        Column(Markup("10<sup>−6</sup> tail"), "right"),
        Column("Unit"),
        Column("Misread", "right"),
    )
    notes = (
        Markup(
            "LRS and HRS: low- and high-resistance state. As written: right after the verify. Tail:"
            " the conductance that one cell in a"
            " million passes towards the reference. Misread: share of cells whose read is"
            " wrong, over"
            " the spread of the sense amplifiers and with the lines of its column; half the sum of"
            " both states, and half of the"
            " cells that failed in use (endurance: {} of them), make {}."
        ).format(power_of_ten(2.0 * failed), symbol("p_b")),
    )
    return Table(
        "levels", "The two states and how often each is misread", columns, tuple(rows), notes
    )
