"""Constants of the circuit blocks, read from the library's circuit items.

Sizes are in minimum widths and lengths of the node, so that a block scales with its technology;
what is free to calibrate on silicon is in `Calibration` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tantala.base.binding import bind, quantity
from tantala.base.library import load_item
from tantala.base.record import Item


@dataclass(frozen=True)
class Calibration:
    """The few free constants, set on published silicon rows only (calibration.toml)."""

    core_layout: float = quantity(
        "1", "drawn core transistor area over strip area", minimum=0.01, maximum=1
    )
    high_voltage_layout: float = quantity(
        "1", "drawn thick-oxide transistor area over strip area", minimum=0.01, maximum=1
    )
    timing_guard: float = quantity(
        "1", "self-timed sensing phase over the least one", minimum=1, maximum=3
    )
    routing_halo: float = quantity(
        "1", "area of power rings and routing over the blocks'", minimum=0, maximum=1
    )


@dataclass(frozen=True)
class Decoder:
    """Row decoder gates, in minimum core widths."""

    input_gate: float = quantity("1", "n width of an address input gate", minimum=1)
    row_gate: float = quantity("1", "n width of a row gate", minimum=1)
    front_end: float = quantity("1", "address register and enable in FO4", minimum=0)
    driver_effort: float = quantity("1", "stage effort of word-line drivers", minimum=2)


@dataclass(frozen=True)
class LevelShifterSize:
    """Cross-coupled level shifter."""

    input_width: float = quantity("1", "n width in minimum thick-oxide widths", minimum=1)
    contention: float = quantity("1", "slow-down by the cross-coupled pair", minimum=1)


@dataclass(frozen=True)
class Column:
    """Column multiplexer and write driver sizing."""

    write_drop: float = quantity("V", "drop over a pass gate at the write current", minimum=0)
    read_gate: float = quantity("1", "read pass gate in minimum widths", minimum=1)
    driver_drop: float = quantity("V", "drop over the write driver at its current", minimum=0)
    driver_control: float = quantity("1", "gates of control a write driver", minimum=0)


@dataclass(frozen=True)
class Sense:
    """Sense amplifier: core device sizes in minimum widths and lengths, electrical choices."""

    clamp_width: float = quantity("1", "clamp device", minimum=1)
    mirror_width: float = quantity("1", "mirror devices", minimum=1)
    latch_width: float = quantity("1", "latch devices", minimum=1)
    length: float = quantity("1", "gate length of clamp, mirror and latch", minimum=1)
    offset_residue: float = quantity("1", "offset left after cancellation", minimum=0, maximum=1)
    settling_error: float = quantity("1", "error current over usable signal", minimum=0, maximum=1)
    noise_margin: float = quantity("V", "latch input beyond offset", minimum=0)
    latch_bias: float = quantity("1", "gate drive of the latch over supply", minimum=0, maximum=1)
    wiring: float = quantity("F/m", "wiring capacitance per device width", minimum=0)


@dataclass(frozen=True)
class ReferenceSize:
    """Reference generator of a group of sense amplifiers."""

    trim_gates: float = quantity("1", "logic gates of the trim register and switches", minimum=0)
    branch_width: float = quantity("1", "mirror branch in minimum core widths", minimum=1)
    branches: float = quantity("1", "branches of the trim converter", minimum=1)
    overhead: float = quantity("1", "bias current over reference current", minimum=0)


@dataclass(frozen=True)
class Pump:
    """Charge pump."""

    clock: float = quantity("Hz", "clock of the pump", minimum=0)
    switch_area: float = quantity("1", "switches and clock drivers over capacitor area", minimum=0)
    control_gates: float = quantity("1", "logic gates of oscillator and control", minimum=0)
    phases: float = quantity("1", "interleaved phases, which divide the ripple", minimum=1)
    ripple: float = quantity("V", "ripple at the load for which the output is buffered", minimum=0)
    most_stages: float = quantity("1", "largest number of stages", minimum=1)


@dataclass(frozen=True)
class Regulator:
    """Linear regulator, its error amplifier, and the bandgap reference."""

    dropout: float = quantity("V", "least difference of input and output", minimum=0)
    pass_overdrive: float = quantity("V", "gate overdrive of the pass device", minimum=0)
    amplifier_area: float = quantity("m^2", "error amplifier and compensation", minimum=0)
    amplifier_current: float = quantity("A", "standing current of the error amplifier", minimum=0)
    bandgap_area: float = quantity("m^2", "bandgap reference and bias", minimum=0)
    bandgap_current: float = quantity("A", "standing current of the bandgap", minimum=0)


@dataclass(frozen=True)
class Logic:
    """Synthesised logic: gate counts in two-input NANDs, delays in fan-out-of-four delays."""

    xor_gates: float = quantity("1", "two-input XOR in NAND gates", minimum=1)
    xor_delay: float = quantity("1", "two-input XOR in FO4", minimum=0)
    sharing: float = quantity("1", "gates left by sharing of terms", minimum=0, maximum=1)
    and_delay: float = quantity("1", "two-input AND in FO4", minimum=0)
    activity: float = quantity("1", "fraction of gates that switch a cycle", minimum=0, maximum=1)
    controller: float = quantity("1", "macro controller and sequencer, gates", minimum=0)
    write_control: float = quantity("1", "write-verify control a data bit, gates", minimum=0)
    self_test: float = quantity("1", "built-in self test and test access, gates", minimum=0)
    repair_entry: float = quantity("1", "repair register and comparator an address bit", minimum=0)
    register: float = quantity("1", "flip-flop in NAND gates", minimum=0)


@dataclass(frozen=True)
class Interface:
    """Pads and serial interface of a stand-alone chip."""

    pad_area: float = quantity("m^2", "one pad with driver and protection", minimum=0)
    pad_capacitance: float = quantity("F", "pad, package and board load of an output", minimum=0)
    input_capacitance: float = quantity("F", "pad capacitance of an input", minimum=0)
    output_resistance: float = quantity("ohm", "output driver", minimum=0)
    spi_gates: float = quantity("1", "logic gates of the serial interface", minimum=0)
    oscillator_current: float = quantity("A", "oscillator and power-on reset, active", minimum=0)
    standby_current: float = quantity("A", "power-on reset and input buffers, standby", minimum=0)
    program_current: float = quantity("A", "pump clocks, regulators, control in a write", minimum=0)
    seal_ring: float = quantity("m", "seal ring and scribe margin on each side", minimum=0)


@dataclass(frozen=True)
class Circuits:
    """Every circuit constant; `items` are the library items they come from."""

    calibration: Calibration
    decoder: Decoder
    shifter: LevelShifterSize
    column: Column
    sense: Sense
    reference: ReferenceSize
    pump: Pump
    regulator: Regulator
    logic: Logic
    interface: Interface
    items: tuple[Item, ...] = field(default=(), compare=False, repr=False)


# Library item and prefix in it of each set of constants.
_PLACES = {
    "calibration": ("calibration", "calibration", Calibration),
    "decoder": ("row_path", "decoder", Decoder),
    "shifter": ("row_path", "level_shifter", LevelShifterSize),
    "column": ("column_path", "column", Column),
    "sense": ("sense_amplifier", "sense", Sense),
    "reference": ("sense_amplifier", "reference", ReferenceSize),
    "pump": ("supply", "pump", Pump),
    "regulator": ("supply", "regulator", Regulator),
    "logic": ("digital", "logic", Logic),
    "interface": ("interface", "interface", Interface),
}


def load_circuits(replace_items: dict[str, Item] | None = None) -> Circuits:
    """The library's circuit constants.

    `replace_items` {library name: item} stands in for shipped items, for influence studies.
    """
    given = replace_items or {}
    wanted = sorted({place[0] for place in _PLACES.values()})
    items = {name: given.get(name) or load_item("circuit", name) for name in wanted}
    bound = {key: bind(law, items[name], prefix) for key, (name, prefix, law) in _PLACES.items()}
    return Circuits(**bound, items=tuple(items.values()))
