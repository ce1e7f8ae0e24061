"""Populations of a cell whose laws are a compact model: deterministic, one filament a cell.

Pulses and waiting integrate the model's equations behind the select transistor; a cell's state is
its conductance at the read voltage and 300 K. There is no variability, relaxation or noise, as the
model has none: `read` gives the model's own current.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.cell.compact.pulses import rectangular_pulse, zero_bias_drift
from tantala.cell.population import (
    ROOM,
    Population,
    PulseOutcome,
    Selection,
)
from tantala.cell.pulse_inputs import Quantity, pulse_values

if TYPE_CHECKING:
    from tantala.cell.cell import CompactCell


class CompactPopulation(Population):
    """Cells of a compact model (`sky130`); the interface is that of every population."""

    cell: CompactCell

    def __init__(self, cell: CompactCell, count: int, seed: int, first_address: int = 0) -> None:
        super().__init__(cell, count, seed, first_address)
        model = cell.model
        low, high = (float(model.conductance(np.array(end))) for end in model.states)
        self._ends = low, high
        self.conductance[:] = high
        self.written_at(slice(None))

    def _pulse(
        self, law: str, given: dict[str, Any], temperature: Quantity, where: Selection, beyond: bool
    ) -> PulseOutcome:
        index = self.select(where)
        kelvin = to_si(temperature, "K", name="temperature")
        line, gate, width = pulse_values(given, len(index), kelvin).values()
        sign = 1.0 if law == "set" else -1.0
        before = self.conductance[index].astype(np.float64)
        after, energy, extrapolated = rectangular_pulse(
            self.cell.model,
            self.cell.transistor,
            before,
            sign * line,
            gate,
            width,
            kelvin,
            beyond,
        )
        self.extrapolated.update(extrapolated)
        self._keep(index, after)
        self.cycles[index] += np.uint32(law == "set")
        self.written_at(index)
        return PulseOutcome(energy.astype(np.float32), np.abs(after - before) > 1e-3 * before)

    def _keep(self, index: NDArray[np.intp], conductance: NDArray[np.float64]) -> None:
        """Store in float32 without leaving the states that the model has."""
        self.conductance[index] = np.clip(conductance, *self._ends)

    @staticmethod
    def _value(value: Any, unit: str, name: str) -> Any:
        if isinstance(value, str) or np.ndim(value) == 0:
            number = to_si(value, unit, name=name)
            if number < 0.0:
                raise InputError(Problem(f"negative {name}", got=repr(value), allowed="0 or more"))
            return number
        return np.asarray(value, np.float64)

    def place(self, conductance: ArrayLike, where: Selection = None) -> None:
        """As `Population.place`; RangeViolation for a conductance that no state has."""
        self.cell.model.state_at(to_si(conductance, "S") if isinstance(conductance, str)
                                 else np.asarray(conductance, np.float64))  # fmt: skip
        super().place(conductance, where)

    def wait(self, time: Quantity, temperature: Quantity = ROOM, extrapolate: bool = False) -> None:
        """Zero-bias drift of the filament for `time` at `temperature`."""
        seconds = self._value(time, "s", "time")
        drifted = zero_bias_drift(
            self.cell.model,
            self.cell.transistor,
            self.conductance.astype(np.float64),
            seconds,
            to_si(temperature, "K", name="temperature"),
        )
        self._keep(np.arange(len(self)), drifted)

    def read(
        self,
        voltage: Quantity | None = None,
        noise: bool = True,
        where: Selection = None,
        extrapolate: bool = False,
    ) -> NDArray[np.float32]:
        """Read current [A] by the model's own I-V, without self-heating; it has no noise."""
        volts = self._value(
            self.cell.nominal.read_voltage if voltage is None else voltage, "V", "read voltage"
        )
        model = self.cell.model
        states = model.state_at(self.conductance[self.select(where)].astype(np.float64))
        point = model.operating_point(model.polarity * volts, states, 300.0, self_heating=False)
        return np.abs(point.current).astype(np.float32)
