"""Delay of gates and of distributed RC lines: equations that every circuit block uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.technology.broadcast import Values, values

LN2 = float(np.log(2.0))
LINE_HALF = 0.377  # t50/RC of an open distributed line driven by an ideal step (Bakoglu 1990)


@dataclass(frozen=True)
class Line:
    """A distributed wire: total resistance [ohm] and capacitance [F]; both may be arrays."""

    resistance: Any
    capacitance: Any

    @staticmethod
    def of(wire: Any, length: Values, load_per_length: Values = 0.0) -> Line:
        """The line of `length` [m] in `wire`, with distributed loads of `load_per_length` [F/m]."""
        length = values(length)
        return Line(wire.resistance * length, (wire.capacitance + load_per_length) * length)


def horowitz(
    time_constant: Values,
    input_ramp: Values,
    beta: Values,
    switching_point: float = 0.5,
) -> np.ndarray:
    """Delay [s] of a gate of `time_constant` R C [s] whose input rises in `input_ramp` [s].

    t = tau sqrt(ln(v)^2 + 2 a b (1 - v)), a = ramp / tau, b = 1/(R gm) (Horowitz 1983). With a step
    input (ramp 0) and v = 1/2 this is tau ln 2.
    """
    tau = values(time_constant)
    ramp = values(input_ramp)
    log = np.log(switching_point)
    # tau * a = ramp, so a zero time constant needs no special case.
    return np.sqrt((tau * log) ** 2 + 2.0 * tau * ramp * beta * (1.0 - switching_point))


def next_ramp(delay: Values, switching_point: float = 0.5) -> np.ndarray:
    """Length [s] of the ramp which a gate of `delay` [s] gives to the next one."""
    return values(delay) / (1.0 - switching_point)


def distributed_delay(
    line: Line, driver_resistance: Values = 0.0, load: Values = 0.0
) -> np.ndarray:
    """Half-swing delay [s] of a driver, a distributed line and a load capacitance at its end.

    0.377 R C + ln 2 (R_d (C + C_L) + R C_L) (Bakoglu 1990).
    """
    wire = LINE_HALF * values(line.resistance) * line.capacitance
    lumped = values(driver_resistance) * (line.capacitance + load)
    return wire + LN2 * (lumped + values(line.resistance) * load)
