"""A process under conditions: corner, temperature and core supply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tantala.base.binding import quantity
from tantala.technology.transistor import Transistor
from tantala.technology.wire import Wire

# Direction of the n and p devices and of the wires: -1 slow, +1 fast.
CORNERS = {
    "typical": {"n": 0, "p": 0, "wire": 0},
    "slow": {"n": -1, "p": -1, "wire": -1},
    "fast": {"n": 1, "p": 1, "wire": 1},
    "slow_fast": {"n": -1, "p": 1, "wire": 0},
    "fast_slow": {"n": 1, "p": -1, "wire": 0},
}


@dataclass(frozen=True)
class LogicParameters:
    """Synthesised logic of a node, counted in two-input NAND gates."""

    gate_area: float = quantity("m^2", "area of a two-input NAND", minimum=0)
    utilisation: float = quantity("1", "cell area over block area", minimum=0, maximum=1)
    gate_width: float = quantity("m", "n width of the unit gate", minimum=0)


@dataclass(frozen=True)
class CapacitorParameters:
    """Capacitors for pumps and decoupling."""

    density: float = quantity("F/m^2", "capacitance per area", minimum=0)
    bottom_plate: float = quantity("1", "parasitic to ground over capacitance", minimum=0)


@dataclass(frozen=True)
class CornerSpread:
    """Distance of the slow and fast corners from typical."""

    threshold: float = quantity("V", "threshold shift", minimum=0)
    drive: float = quantity("1", "change of drive at constant overdrive", minimum=0, maximum=1)
    wire_resistance: float = quantity("1", "change of wire resistance", minimum=0, maximum=1)
    wire_capacitance: float = quantity("1", "change of wire capacitance", minimum=0, maximum=1)
    capacitance: float = quantity("1", "change of device capacitance", minimum=0, maximum=1)


@dataclass(frozen=True)
class Process:
    """What a circuit sees: devices, wires and logic at one corner, temperature and supply.

    `node` [m], `temperature` [K], `supply` [V] of the core; `extrapolated` lists the conditions
    outside the models' range that the caller allowed.
    """

    node: float
    corner: str
    temperature: float
    core: Transistor
    io: Transistor
    local: Wire
    intermediate: Wire
    top: Wire
    logic: LogicParameters
    capacitor: CapacitorParameters
    extrapolated: tuple[str, ...] = ()

    @property
    def supply(self) -> float:
        """Core supply [V]."""
        return self.core.supply

    @cached_property
    def _domains(self) -> dict[float, Transistor]:
        return {}

    def io_at(self, voltage: float) -> Transistor:
        """The thick-oxide device in a domain of `voltage` [V]; made once a process."""
        voltage = float(voltage)
        if voltage not in self._domains:
            self._domains[voltage] = self.io.with_supply(voltage)
        return self._domains[voltage]

    @property
    def fo4(self) -> float:
        """Delay [s] of a core inverter that drives four of its kind."""
        return self.core.fo4

    @cached_property
    def gate_area(self) -> float:
        """Block area [m^2] of one two-input NAND at the logic utilisation."""
        return self.logic.gate_area / self.logic.utilisation

    @cached_property
    def gate_energy(self) -> float:
        """Energy [J] of one output transition pair of a unit gate with a fan-out of two."""
        load = self.core.inverter_output + 2.0 * self.core.inverter_input
        return self.logic.gate_width * load * self.supply**2

    @cached_property
    def gate_leakage(self) -> float:
        """Leakage power [W] of a unit two-input gate: two n and two p devices, one path off."""
        return 2.0 * self.logic.gate_width * self.core.inverter_leakage
