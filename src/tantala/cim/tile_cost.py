"""What a product on tiles costs: energy, time and area from the circuits; without torch.

One pass drives the rows of a tile for the integration time, each column keeps its charge, and the
shared converters take the columns one after another while the next pass integrates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tantala.cim.tile import Tile
from tantala.circuit import load_circuits
from tantala.circuit.converter import (
    column_clamp,
    converter,
    row_driver,
    sampling_capacitance,
    shift_add,
    sram_buffer,
)
from tantala.circuit.converter_constants import Converters, load_converters
from tantala.circuit.cost import Cost
from tantala.technology import Process, load_technology

PARTS = ("array", "driver", "adc", "accumulation", "buffer")


@dataclass(frozen=True)
class Operands:
    """Statistics of input digits in parts of the largest: mean magnitude, mean square, zeros.

    Means are weighted with the conductance of the row that a digit drives, so that V^2 G t times
    `mean_square` is exact for the data they come from. `zeros` is the plain share of zero digits.
    `switched`: rows are switched to the read voltage, by pulses or digits of one bit, and need no
    linear buffer.
    """

    mean: float
    mean_square: float
    zeros: float
    switched: bool = False

    @classmethod
    def even(cls, bits: int) -> Operands:
        """Magnitudes spread evenly over 0 ... 2^bits - 1."""
        largest = 2**bits - 1
        return cls(0.5, (2.0 * largest + 1.0) / (6.0 * largest), 2.0**-bits, bits == 1)

    @classmethod
    def pulses(cls, bits: int) -> Operands:
        """As `even`, sent as a number of pulses at full voltage: the square is the mean."""
        return cls(0.5, 0.5, 2.0**-bits, True)


@dataclass(frozen=True)
class Work:
    """One layer as its tiles see it, for one inference.

    vectors       input vectors an inference
    groups, parts, column_tiles   tiles: groups x parts (of rows) x column tiles
    rows, outputs   of a group; conductance [S] of all cells in use
    active_parts    parts that work on a vector; active_rows: rows driven a vector, per group
    zero_weights    share of whole weights that are zero
    reads   integrations a pass: 2 where word lines take inputs of either sign one after the other
    """

    name: str
    vectors: float
    groups: int
    parts: int
    column_tiles: int
    rows: int
    outputs: int
    conductance: float
    active_parts: float
    active_rows: float
    operands: Operands
    zero_weights: float
    reads: int = 1

    @property
    def tiles(self) -> int:
        """Tiles occupied."""
        return self.groups * self.parts * self.column_tiles

    @property
    def macs(self) -> float:
        """Products an inference."""
        return self.vectors * self.groups * self.active_rows * self.outputs

    def cells(self, tile: Tile) -> int:
        """Cells used."""
        return self.groups * self.rows * self.outputs * tile.cells_per_weight


@dataclass(frozen=True)
class TileModel:
    """A tile in its process; `process` at the technology's typical corner unless given."""

    tile: Tile
    process: Process
    constants: Converters
    halo: float

    @classmethod
    def of(
        cls, tile: Tile, process: Process | None = None, constants: Converters | None = None
    ) -> TileModel:
        """The model of a tile with the library's constants."""
        process = load_technology(tile.technology).at() if process is None else process
        constants = load_converters() if constants is None else constants
        return cls(tile, process, constants, load_circuits().calibration.routing_halo)

    @property
    def cell_area(self) -> float:
        """Area of one cell, m^2."""
        return self.constants.cell.footprint * self.process.node**2

    @property
    def converters(self) -> int:
        """Converters of a tile."""
        return -(-self.tile.columns // self.tile.columns_per_adc)

    @property
    def width(self) -> int:
        """Bits of an accumulator in a tile."""
        tile = self.tile
        digits = (tile.slices - 1) * tile.bits_per_cell
        return tile.adc_bits + digits + (tile.phases - 1) * tile.bits_per_phase

    def adc(self) -> Cost:
        """One converter."""
        return converter(self.process, self.constants, self.tile.adc_bits, self.tile.adc)

    def driver(self, operands: Operands) -> Cost:
        """One row driver."""
        tile, cell = self.tile, self.constants.cell
        line = tile.columns * (
            math.sqrt(self.cell_area) * self.process.intermediate.capacitance + cell.line_load
        )
        middle = 0.5 * (tile.levels.lowest + tile.levels.highest)
        largest = tile.read.voltage * tile.columns * middle
        gated = tile.inputs == "word_line"  # charged to the supply, and no current flows
        return row_driver(
            self.process,
            self.constants,
            tile.bits_per_phase,
            line,
            self.process.supply if gated else tile.read.voltage,
            largest,
            tile.read.integration,
            operands.mean_square,
            operands.switched,
        )

    def _blocks(self) -> dict[str, Cost]:
        """All blocks of a tile: area and leakage count, for a whole tile."""
        tile, process, constants = self.tile, self.process, self.constants
        pairs = tile.columns // tile.columns_per_digit
        kept = pairs * sampling_capacitance(process, constants, tile.adc_bits)
        clamps = column_clamp(process, constants, 0.0).copies(tile.columns)
        bits = 2 * tile.input_bits * (tile.rows + tile.outputs)  # one filled while one is read
        adders = shift_add(process, constants, self.width)
        return {
            "array": Cost(tile.cells * self.cell_area).then(clamps),
            "driver": self.driver(Operands.even(tile.bits_per_phase)).copies(
                tile.rows * tile.lines_per_row
            ),
            "adc": self.adc().copies(self.converters).then(Cost(kept / constants.sar.density)),
            "accumulation": adders.copies(self.converters + tile.outputs),
            "buffer": sram_buffer(process, constants, bits),
        }

    def area(self) -> dict[str, float]:
        """Area of one tile by part, m^2; routing is shared out among the parts."""
        return {
            name: float(block.area) * (1.0 + self.halo) for name, block in self._blocks().items()
        }

    def leakage(self) -> float:
        """Leakage of one tile, W."""
        return float(sum(block.leakage for block in self._blocks().values()))

    def pass_time(self, outputs: int | None = None, reads: int = 1) -> float:
        """Time of one pass of a tile of so many integrations, s; fewer than all outputs need fewer
        conversions.
        """
        tile = self.tile
        shared = tile.columns_per_adc / tile.columns_per_digit
        used = tile.outputs if outputs is None else min(outputs, tile.outputs)
        turns = max(1.0, math.ceil(shared * used / tile.outputs))
        drive = reads * (tile.read.integration + float(self.driver(Operands.even(1)).delay))
        return max(drive, turns * float(self.adc().delay))

    def energy(self, work: Work) -> dict[str, float]:
        """Energy of a layer's work by part, J an inference."""
        tile, process, constants = self.tile, self.process, self.constants
        passes = work.vectors * tile.phases
        volt, time = tile.read.voltage, tile.read.integration
        charge = volt * time * work.conductance
        cells = volt * charge * work.operands.mean_square
        # A linear buffer drops what its rail is above the digit's voltage; a switch drops nothing.
        rail = volt + constants.driver.headroom
        drawn = cells if work.operands.switched else rail * charge * work.operands.mean
        signals = work.groups * work.active_parts * work.outputs * tile.slices
        clamp = float(column_clamp(process, constants, work.reads * time).energy)
        clamps = signals * tile.columns_per_digit * clamp
        driven = work.groups * work.active_rows * tile.lines_per_row * work.column_tiles
        drivers = driven * float(self.driver(work.operands).energy)
        width = self.width + math.ceil(math.log2(work.parts)) if work.parts > 1 else self.width
        addition = float(shift_add(process, constants, width).energy)
        sums = signals * passes + (work.groups * work.active_rows * passes if tile.offset else 0.0)
        moved = work.groups * (work.active_rows + work.outputs) * tile.input_bits
        bit = float(sram_buffer(process, constants, 1.0).energy)
        return {
            "array": passes * (cells + clamps),
            "driver": passes * (drawn - cells + drivers),
            "adc": passes * signals * float(self.adc().energy),
            "accumulation": sums * addition,
            "buffer": work.vectors * moved * bit,
        }

    def latency(self, work: Work) -> float:
        """Time of a layer's work, s an inference: its tiles work together, vectors in turn."""
        outputs = -(-work.outputs // work.column_tiles)
        levels = math.ceil(math.log2(work.parts)) if work.parts > 1 else 0
        add = (1 + levels) * float(shift_add(self.process, self.constants, self.width).delay)
        last = float(self.adc().delay) * self.tile.columns_per_adc / self.tile.columns_per_digit
        a_pass = self.pass_time(outputs, work.reads)
        return work.vectors * self.tile.phases * a_pass + last + add


def full_tile(tile: Tile, rows: int, operands: Operands, conductance: float) -> Work:
    """One product by one tile of which `rows` rows are driven; mean `conductance` [S] of a cell."""
    cells = rows * tile.outputs * tile.cells_per_weight
    return Work(
        tile.name, 1.0, 1, 1, 1, rows, tile.outputs, cells * conductance, 1.0, rows, operands, 0.0
    )
