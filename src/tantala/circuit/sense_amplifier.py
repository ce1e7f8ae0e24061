"""Current sense amplifier: clamp the bit line, compare with a reference current, latch.

Three phases (reference macro model, step 5): the bit line is precharged while the word line rises,
then the clamp settles it until its error current is small beside the usable signal; the difference
of cell and reference current integrates on the sense node up to the voltage the latch needs; the
latch regenerates. The signal needed comes from device mismatch (Pelgrom) and the failure
probability allowed for one sense amplifier, so the time grows without bound as the window between
the states' tails closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tantala.base.errors import InputError, Problem
from tantala.circuit.constants import Circuits
from tantala.circuit.cost import Cost
from tantala.technology import Line, Process
from tantala.technology.broadcast import Values, log, maximum, minimum, values, where
from tantala.technology.delay import LINE_HALF


class WindowClosed(InputError):
    """The states' currents are too close for the sense amplifier: no time is long enough."""


@dataclass(frozen=True)
class SenseCurrents:
    """What the amplifier must tell apart [A]: tail currents of the states, reference between."""

    low_resistance: Any
    high_resistance: Any
    reference: Any


@dataclass(frozen=True)
class SenseTime:
    """Times [s] of one sensing, guard included in `total`; `usable` signal current [A]."""

    settle: Any
    integrate: Any
    latch: Any
    total: Any
    usable: Any
    required_voltage: Any


@dataclass(frozen=True)
class SenseAmplifier:
    """One sense amplifier in a process; reads at `read_voltage` [V] on the bit line."""

    process: Process
    circuits: Circuits
    read_voltage: float

    def _width(self, multiple: float) -> float:
        return multiple * self.process.core.parameters.minimum_width

    @property
    def _length(self) -> float:
        return self.circuits.sense.length * self.process.core.length

    @property
    def input_capacitance(self) -> float:
        """Capacitance [F] which the amplifier adds to the multiplexed node."""
        core = self.process.core
        return self._width(self.circuits.sense.clamp_width) * core.drain_capacitance

    @property
    def sense_capacitance(self) -> float:
        """Capacitance [F] of the integrating node: mirror drains, latch gate, wiring."""
        core, c = self.process.core, self.circuits.sense
        widths = self._width(c.mirror_width + c.clamp_width + c.latch_width)
        drains = self._width(c.mirror_width + c.clamp_width) * core.drain_capacitance
        gate = self._width(c.latch_width) * core.gate_capacitance * c.length
        return drains + gate + widths * c.wiring

    @property
    def offset_voltage(self) -> Values:
        """Standard deviation [V] of the latch's input offset after cancellation."""
        sigma = self.process.core.threshold_sigma(
            self._width(self.circuits.sense.latch_width), self._length
        )
        return self.circuits.sense.offset_residue * sigma

    def offset_current(self, current: Values) -> np.ndarray:
        """Standard deviation [A] of the comparison at `current` [A], after cancellation.

        A mirror's mismatch gives gm sigma_Vt; a clamp's changes the read voltage itself.
        """
        core, c = self.process.core, self.circuits.sense
        current = values(current)
        width = self._width(c.mirror_width)
        gm = core.transconductance(current, width, "p", self._length)
        mirror = gm * core.threshold_sigma(width, self._length)
        clamp_sigma = core.threshold_sigma(self._width(c.clamp_width), self._length)
        clamp = current * clamp_sigma / self.read_voltage
        return c.offset_residue * np.hypot(mirror, clamp)

    def usable_current(self, currents: SenseCurrents, fail_probability: Values) -> np.ndarray:
        """Signal current [A] left after offsets; not positive where the window is closed.

        `fail_probability` is that of one amplifier having too large an offset, of either sign.
        """
        reference = values(currents.reference)
        signal = minimum(currents.low_resistance - reference, reference - currents.high_resistance)
        return signal - deviations(fail_probability) * self.offset_current(reference)

    def misread_probability(
        self, cell_current: Values, reference: Values, integrate_time: Values
    ) -> np.ndarray:
        """Chance that the latch decides against the sign of cell minus reference current [A].

        After `integrate_time` [s] of a settled line the latch sees |dI| t / C; it errs when the
        offsets of comparison and latch (normal, independent) exceed that.
        """
        from scipy.special import ndtr

        difference = np.abs(values(cell_current) - reference)
        offset = self.offset_voltage * self.sense_capacitance / integrate_time
        return ndtr(-difference / np.hypot(self.offset_current(reference), offset))

    def time(
        self,
        currents: SenseCurrents,
        bit_line: Line,
        node_capacitance: Values,
        fail_probability: Values,
        series_resistance: Values = 0.0,
        closed: str = "raise",
    ) -> SenseTime:
        """Times of one sensing of a bit line with `node_capacitance` [F] at the amplifier.

        `series_resistance` [ohm] is that of the column multiplexer. Where the window is closed
        this raises WindowClosed, or with closed="infinite" gives infinite times.
        """
        core, c = self.process.core, self.circuits.sense
        usable = self.usable_current(currents, fail_probability)
        shut = usable <= 0.0
        if closed == "raise" and np.any(shut):
            raise _window_closed(currents, usable)
        signal = where(shut, 1.0, usable)
        total = values(node_capacitance) + bit_line.capacitance
        gm = core.transconductance(
            currents.reference, self._width(c.clamp_width), "n", self._length
        )
        # The line is precharged while the word line rises; what then settles is the step from no
        # cell current to one near the reference, where the decision is hard.
        ratio = values(currents.reference) / (c.settling_error * signal)
        constant = total * (1.0 / gm + series_resistance)
        wire = LINE_HALF * values(bit_line.resistance) * bit_line.capacitance
        settle = log(maximum(ratio, 1.0)) * constant + wire
        required = deviations(fail_probability) * self.offset_voltage + c.noise_margin
        integrate = self.sense_capacitance * required / signal
        latch = self._regeneration() * log(maximum(self.process.supply / required, 1.0))
        settle, integrate = (where(shut, np.inf, part) for part in (settle, integrate))
        guarded = self.circuits.calibration.timing_guard * (settle + integrate) + latch
        return SenseTime(settle, integrate, latch, guarded, usable, required)

    def _regeneration(self) -> Values:
        """Time constant [s] of the latch, C/gm at its bias."""
        core, c = self.process.core, self.circuits.sense
        width = self._width(c.latch_width)
        bias = c.latch_bias * self.process.supply
        gm = sum(
            core.transconductance(
                core.current(bias, width, polarity, self._length), width, polarity, self._length
            )
            for polarity in ("n", "p")
        )
        load = 2.0 * width * (core.gate_capacitance * c.length + core.drain_capacitance)
        return (load + 2.0 * width * c.wiring) / gm

    def cost(
        self,
        currents: SenseCurrents,
        time: SenseTime,
        bit_line_capacitance: Values,
        cell_current: Values,
    ) -> Cost:
        """Cost of one amplifier: the time its tails need, at the `cell_current` [A] of a mean cell.

        The tails in `currents` say how long a read lasts, not what it draws: hardly any cell is one
        of them.
        """
        core, c = self.process.core, self.circuits.sense
        supply = self.process.supply
        flowing = supply * (cell_current + values(currents.reference)) * (time.total - time.latch)
        charging = values(bit_line_capacitance) * self.read_voltage * supply
        latch = 4.0 * self.sense_capacitance * supply**2
        widths = self._width(2.0 * c.clamp_width + 4.0 * c.mirror_width + 6.0 * c.latch_width)
        area = core.area(widths) * c.length / self.circuits.calibration.core_layout
        leakage = 0.25 * widths * core.inverter_leakage
        return Cost(area, time.total, flowing + charging + latch, leakage)


def deviations(fail_probability: Values) -> np.ndarray:
    """Offset in standard deviations exceeded, on either side, with `fail_probability`."""
    from scipy.special import ndtri

    return -ndtri(0.5 * values(fail_probability))


def _window_closed(currents: SenseCurrents, usable: np.ndarray) -> WindowClosed:
    low = float(np.min(currents.low_resistance))
    high = float(np.max(currents.high_resistance))
    return WindowClosed(
        Problem(
            "the sense amplifier cannot tell the two states apart",
            got=f"tails {low:.3g} A and {high:.3g} A, usable signal {float(np.min(usable)):.3g} A",
            allowed="a positive usable signal",
            because="the offset allowance takes the whole window",
            hint="a stronger code, a wider window, or larger amplifier devices",
        )
    )
