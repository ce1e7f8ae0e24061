"""Write: pulses until verified, where time and energy go, and how one pulse switches (shmoo)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantala.macro.compile_cell import DEEPEST
from tantala.report import bars, plots
from tantala.report.document import Block, Column, Figure, Row, Section, Table
from tantala.report.notation import integer, power_of_ten, scaled, written

if TYPE_CHECKING:
    from tantala.report.page import Datasheet


def writing(sheet: Datasheet) -> Section:
    """Pulse table, pulse counts, energy by part, shmoo."""
    identity, org = sheet.identity, sheet.organisation
    blocks: list[Block] = [_directions(sheet)]
    counts = {d.name: (d.cell_unfinished[1:], d.word_unfinished[1:]) for d in sheet.writing}
    blocks.append(
        Figure(
            "pulses",
            f"Share not yet verified after a number of pulses ({identity.scheme} scheme): one cell"
            f" that must switch, and a group of {org.parallel_bits} bits written at once.",
            plots.pulses(counts),
        )
    )
    energies = [
        (title, sheet.breakdowns[name])
        for name, title in (
            ("read_energy_per_bit_J", "Read, a bit"),
            ("set_energy_per_bit_J", "SET, a cell"),
            ("reset_energy_per_bit_J", "RESET, a cell"),
        )
        if name in sheet.breakdowns
    ]
    at = f"Typical corner, {written(identity.temperature_typical_K, 'K')}."
    blocks.append(
        Figure(
            "energy",
            f"Where the energy goes, each bar to its own sum. {at}",
            bars.stacked(energies, "J"),
        )
    )
    blocks.append(
        Figure(
            "write_time",
            f"Where the mean word write time goes. {at}",
            bars.waterfall(sheet.breakdowns["write_time_s"], "s", "Word write time"),
        )
    )
    blocks.append(_shmoo(sheet))
    return Section("write", "Write", tuple(blocks))


def _directions(sheet: Datasheet) -> Table:
    rows = []
    for d in sheet.writing:
        (width,), width_unit = scaled([d.width_s], "s")
        (energy,), energy_unit = scaled([d.energy_J], "J")
        rows.append(
            Row(
                (
                    d.name,
                    f"{d.voltage_V:.2f}",
                    f"{d.gate_voltage_V:.2f}",
                    f"{width} {width_unit}",
                    f"{d.mean_pulses:.2f}",
                    power_of_ten(d.unfinished, least=DEEPEST),
                    f"{power_of_ten(d.unfinished_low)} to {power_of_ten(d.unfinished_high)}",
                    f"{energy} {energy_unit}",
                )
            )
        )
    columns = (
        Column("Operation"),
        Column("Line, V", "right"),
        Column("Word line, V", "right"),
        Column("Pulse width", "right"),
        Column("Mean pulses", "right"),
        Column("Left unverified", "right"),
        Column("95 % interval", "right"),
        Column("Energy in the cell", "right"),
    )
    notes = (
        "Line: largest bit-line (SET) or source-line (RESET) voltage of the scheme. Left"
        " unverified: share of new cells after the last pulse allowed. They are found at test:"
        " in most words the code bears them, which costs it a correction there and counts in the"
        " uncorrectable rate; words with more of them need a spare ({section:yield})."
        f" Interval: of the count among {integer(sheet.writing[0].written)} cells; what lies below"
        " it goes on at the rate of the last counted pulses.",
    )
    return Table("pulses", "Write pulses", columns, tuple(rows), notes)


def _shmoo(sheet: Datasheet) -> Figure:
    titles = {"SET": "SET bit line (V)", "RESET": "RESET source line (V)"}
    panels = [
        plots.Shmoo(
            titles[s.name],
            s.voltage_V,
            s.width_s,
            s.switched,
            (s.nominal_voltage_V, s.nominal_width_s),
        )
        for s in sheet.shmoo
    ]
    return Figure(
        "shmoo",
        f"Shmoo: share of cells that one pulse takes to the other side of the reference,"
        f" {integer(sheet.shmoo[0].cells)} cells a point. Circle: the pulse by"
        " which the cell is described; those of the scheme are in {table:pulses}.",
        plots.shmoo(panels),
    )
