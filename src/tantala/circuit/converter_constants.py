"""Constants of the converters and the rest of a tile's periphery, from the item `converter`."""

from __future__ import annotations

from dataclasses import dataclass, field

from tantala.base.binding import bind, quantity
from tantala.base.library import load_item
from tantala.base.record import Item


@dataclass(frozen=True)
class Sar:
    """Successive-approximation converter with a capacitor array."""

    matching: float = quantity("m", "sigma of dC/C times the root of a unit's area", minimum=0)
    density: float = quantity("F/m^2", "capacitance of the array per area", minimum=0)
    minimum_unit: float = quantity("F", "smallest unit capacitor", minimum=0)
    deviations: float = quantity("1", "mismatch deviations within half a code", minimum=1)
    noise_share: float = quantity("1", "kT/C noise over quantisation noise, powers", minimum=0.001)
    full_scale: float = quantity("1", "signal range over supply", minimum=0.01, maximum=1)
    switching: float = quantity("1", "switching energy over C V^2", minimum=0)
    comparator_noise: float = quantity("1", "excess noise of the comparator over kT/C", minimum=0)
    bit_time: float = quantity("1", "a bit cycle in FO4", minimum=1)
    bit_gates: float = quantity("1", "logic a bit in NAND gates", minimum=0)
    activity: float = quantity(
        "1", "share of all gates that switch in a bit cycle", minimum=0, maximum=1
    )


@dataclass(frozen=True)
class Ramp:
    """Ramp converter: a shared ramp, a comparator and a counter latch each."""

    step_time: float = quantity("1", "a step in FO4", minimum=1)
    bias: float = quantity("A", "standing current of a comparator", minimum=0)
    counter_toggles: float = quantity("1", "flip-flop toggles a step", minimum=0)


@dataclass(frozen=True)
class ColumnClamp:
    """What holds a column at its read voltage and hands its current on."""

    clamp: float = quantity("A", "standing current of a column", minimum=0)
    clamp_gates: float = quantity("1", "area of clamp and mirror in NAND gates", minimum=0)


@dataclass(frozen=True)
class RowDrive:
    """Input converter and buffer of a row."""

    headroom: float = quantity("V", "rail over the largest read voltage", minimum=0)
    standing: float = quantity("1", "standing over largest current of a buffer", minimum=0)
    level_gates: float = quantity("1", "select switch a level in NAND gates", minimum=0)
    buffer_gates: float = quantity("1", "buffer in NAND gates", minimum=0)


@dataclass(frozen=True)
class Adder:
    """Shift-and-add accumulation."""

    gates: float = quantity("1", "full adder in NAND gates", minimum=1)
    activity: float = quantity("1", "gates that switch in an addition", minimum=0, maximum=1)
    delay: float = quantity("1", "carry of a bit in FO4", minimum=0)


@dataclass(frozen=True)
class Buffer:
    """SRAM for activations."""

    bit_area: float = quantity("1", "a bit with periphery in F^2", minimum=0)
    bit_energy: float = quantity("1", "a bit moved, in gate energies", minimum=0)
    bit_leakage: float = quantity("1", "a bit, in gate leakages", minimum=0)


@dataclass(frozen=True)
class DigitalProducts:
    """Multipliers for what is not computed by tiles."""

    units: float = quantity("1", "multipliers", minimum=1)
    multiplier_gates: float = quantity("1", "gates a pair of operand bits", minimum=1)
    guard_bits: float = quantity("1", "accumulator bits beyond the product", minimum=0)
    weight_reuse: float = quantity("1", "products a weight read serves", minimum=1)
    cycle: float = quantity("1", "clock period in FO4", minimum=1)


@dataclass(frozen=True)
class TileCell:
    """What a cell of a tile takes up and how it loads its row."""

    footprint: float = quantity("1", "cell area in F^2", minimum=4)
    line_load: float = quantity("F", "load of one cell on its row", minimum=0)


@dataclass(frozen=True)
class Converters:
    """Every constant of the item `converter` (compute in memory)."""

    sar: Sar
    ramp: Ramp
    column: ColumnClamp
    driver: RowDrive
    adder: Adder
    buffer: Buffer
    digital: DigitalProducts
    cell: TileCell
    item: Item = field(compare=False, repr=False)


def load_converters(item: Item | None = None) -> Converters:
    """The library's constants of compute in memory, or those of another item."""
    item = load_item("circuit", "converter") if item is None else item
    laws = {
        "sar": Sar,
        "ramp": Ramp,
        "column": ColumnClamp,
        "driver": RowDrive,
        "adder": Adder,
        "buffer": Buffer,
        "digital": DigitalProducts,
        "cell": TileCell,
    }
    return Converters(**{key: bind(law, item, key) for key, law in laws.items()}, item=item)
