"""A sub-array: cells, its two kinds of line, and the circuits on its edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tantala.circuit.column_mux import ColumnMux, column_mux
from tantala.circuit.cost import Cost
from tantala.circuit.decoder import RowDecoder, row_decoder
from tantala.circuit.reference import reference_generator
from tantala.circuit.sense_amplifier import SenseAmplifier, SenseCurrents, SenseTime
from tantala.circuit.word_line import WordLineDriver, word_line_driver
from tantala.circuit.write_driver import WriteDriver, supply_for, write_driver
from tantala.macro.bit_cell import BitCell
from tantala.macro.plan import Plan
from tantala.macro.read_path import ReadPath, read_paths
from tantala.macro.setting import Setting
from tantala.technology import Line
from tantala.technology.broadcast import ceil


@dataclass(frozen=True, slots=True)
class CellArray:
    """The cells of a sub-array and the lines through them; numbers or broadcastable arrays.

    `rows`, `columns` count everything (spare, reference and edge cells); `width`, `height` in m.
    """

    rows: Any
    columns: Any
    width: Any
    height: Any
    word_line: Line
    bit_line: Line


def cell_array(setting: Setting, plan: Plan) -> CellArray:
    """Dimensions and wires of the cell array of a sub-array.

    The cell sits between metal levels, so its lines run in intermediate wires where these fit into
    the cell's pitch, else in local ones. A bit line carries half a contact of drain per cell, since
    neighbours share one; the source line is like the bit line.
    """
    layout, cell, io = setting.assembly.layout, setting.cell, setting.process.io
    rows = plan.rows + setting.spare_rows + layout.edge_rows
    columns = plan.columns + setting.spare_columns + layout.edge_columns + layout.reference_columns
    pitch = cell.width * (1.0 + layout.strap)
    width, height = columns * pitch, rows * cell.height
    gate = cell.access_width * io.gate_capacitance
    process = setting.process
    fits = process.intermediate.pitch <= min(cell.width, cell.height)
    wire = process.intermediate if fits else process.local
    drain = 0.5 * cell.access_width * io.drain_capacitance
    return CellArray(
        rows,
        columns,
        width,
        height,
        Line.of(wire, width, gate / pitch),
        Line.of(wire, height, drain / cell.height),
    )


@dataclass(frozen=True, slots=True)
class RowPath:
    """Decoder and word-line drivers."""

    decoder: RowDecoder
    driver: WordLineDriver

    @property
    def area(self) -> Any:
        """Area of the row strip, m^2."""
        return self.decoder.cost.area + self.driver.cost.area

    @property
    def leakage(self) -> Any:
        """Leakage power of the row strip, W."""
        return self.decoder.cost.leakage + self.driver.cost.leakage


def row_path(setting: Setting, plan: Plan, array: CellArray) -> RowPath:
    """Row circuits of a sub-array."""
    circuits, cell = setting.circuits, setting.cell
    rows = plan.rows + setting.spare_rows
    decoder = row_decoder(setting.process, circuits, rows, cell.height)
    driver = word_line_driver(
        setting.process,
        circuits,
        rows,
        array.word_line,
        cell.read_gate_voltage,
        max(cell.set.gate_voltage, cell.reset.gate_voltage),
        decoder.row_width,
        decoder.row_inputs,
    )
    return RowPath(decoder, driver)


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """Multiplexer, sense amplifiers, write drivers and reference.

    `amplifiers` counts those of a sub-array; `paths` are what they meet of a column with a low- and
    with a high-resistance cell selected; `set_supply`, `reset_supply` are the voltages (V)
    that the drivers need for the cell to see its own.
    """

    mux: ColumnMux
    amplifiers: Any
    paths: tuple[ReadPath, ReadPath]
    currents: SenseCurrents
    time: SenseTime
    offset: Any
    sense: Cost
    reference: Cost
    driver: WriteDriver
    drivers: Any
    set_supply: Any
    reset_supply: Any

    @property
    def area(self) -> Any:
        """Area of the column strip, m^2."""
        return (
            self.mux.cost.area
            + self.amplifiers * self.sense.area
            + self.drivers * self.driver.cost.area
            + self.reference.area
        )


def mean_cell_current(cell: BitCell, series: Any) -> Any:
    """Mean current of a read [A] over data of as many zeros as ones, by cells as written.

    `series` [ohm] is that of a cell's path. Cells as written draw the most: both states lose
    current with age.
    """
    return 0.5 * sum(
        cell.read_voltage / (1.0 / level.mean + series)
        for level in (cell.fresh.low, cell.fresh.high)
    )


def column_path(setting: Setting, plan: Plan, array: CellArray) -> ColumnPath:
    """Column circuits; the plan's gate, sense and drop scale their parts.

    Word-wide sensing needs an amplifier for each group of `mux` columns. Write drivers are shared
    likewise: `plan.parallel` bits of a word are pulsed at once, spread over its sub-arrays.
    """
    process, circuits, cell = setting.process, setting.circuits, setting.cell
    amplifiers = plan.sense_amps + ceil(setting.spare_columns / plan.mux)
    current = max(cell.set.current, cell.reset.current)
    highest = max(cell.set.voltage, cell.reset.voltage)
    # The pass gates are opened by the pump of the word lines, or of the lines where that is higher.
    select = max(highest, cell.set.gate_voltage, cell.reset.gate_voltage)
    sizes = circuits.sense
    sized = replace(
        circuits,
        sense=replace(
            sizes,
            clamp_width=sizes.clamp_width * plan.sense,
            mirror_width=sizes.mirror_width * plan.sense,
            latch_width=sizes.latch_width * plan.sense,
        ),
        column=replace(
            circuits.column,
            read_gate=circuits.column.read_gate * plan.gate,
            write_drop=circuits.column.write_drop * plan.drop,
            driver_drop=circuits.column.driver_drop * plan.drop,
        ),
    )
    mux = column_mux(
        process,
        sized,
        plan.mux,
        amplifiers,
        cell.width * (1.0 + setting.assembly.layout.strap),
        current,
        select,
        setting.high_supply,
    )
    amplifier = SenseAmplifier(process, sized, cell.read_voltage)
    paths = read_paths(setting, array.rows, array.bit_line.resistance)
    low, high = (
        cell.read_voltage / (1.0 / path.column(tail) + mux.read_resistance)
        for path, tail in zip(paths, (setting.low_tail, setting.high_tail), strict=True)
    )
    currents = SenseCurrents(low, high, 0.5 * (low + high))
    every = plan.subarrays * amplifiers
    node = mux.read_node + amplifier.input_capacitance
    time = amplifier.time(
        currents,
        Line(array.bit_line.resistance, array.bit_line.capacitance + mux.line_capacitance),
        node,
        setting.assembly.read.sense_loss / every,
        mux.read_resistance,
        closed="infinite",
    )
    drawn = mean_cell_current(cell, array.bit_line.resistance + mux.read_resistance)
    sense = amplifier.cost(currents, time, array.bit_line.capacitance + node, drawn)
    path = array.bit_line.resistance + 2.0 * mux.write_resistance
    drop = sized.column.driver_drop
    set_supply = supply_for(cell.set.voltage, cell.set.current, path) + drop
    reset_supply = supply_for(cell.reset.voltage, cell.reset.current, path) + drop
    line = Line(array.bit_line.resistance, array.bit_line.capacitance + mux.write_node)
    driver = write_driver(process, sized, current, highest, line)
    return ColumnPath(
        mux,
        amplifiers,
        paths,
        currents,
        time,
        amplifier.offset_current(currents.reference),
        sense,
        reference_generator(process, circuits, currents.reference, time.total),
        driver,
        2.0 * ceil(plan.parallel / plan.together),
        set_supply,
        reset_supply,
    )
