"""SET and RESET under a pulse, with the select transistor setting the compliance.

SET (bit line high, word line sets the current). A barrier E, lowered by the cell's voltage and
with the attempt time t_0, switches within a pulse of width t at temperature T when the cell sees

    V_c(t, T) = (E - k T ln(t / t_0)) / a .

The filament then grows until the cell's share of the bit-line voltage has fallen to V_c, while the
transistor passes I(V_WL, V_BL - V_c) in series with R_s, and saturates at R_min:

    R = (R_min + V_c / I + V_c R_s / (V_BL - V_c)) * lift * spread,   R <= R_before .

V_c of the onset is that of the state before, V_c where the growth ends that of the state reached:
E rises with ln R. A gap closes with an overshoot that a filament without a gap does not see, so a
cell that is already closed stays higher: ln lift = h / (1 + (R_before / R_closed)**p).

One equation gives the switching probability (V_c is spread by the barrier's spread), the partial
SET near threshold, the compliance and its dependence on V_BL and width, all with temperature. The
exponential dependence of rate on voltage over a barrier is that of the SKY130 ReRAM model; that the
voltage left at the cell is fixed by the pulse width is its steady state. I is the EKV interpolation
(Enz, Krummenacher, Vittoz 1995) with drain-induced barrier lowering.

RESET (source line high; the transistor follows V_WL + V_x, so V = softmin(V_SL, V_WL + V_x)).

    tau = t_0 exp((E_r - a_r V) / k T)                     spread by the barrier's spread
    onset at t_on = t_i + tau (R_before / R_ref)**-eta      thick filaments wait longer
    after it R / R_ref = (x**(1/b) + J**(1/b) t / tau)**b   x = R_before / R_ref

so the first stroke multiplies R by about J and then grows as t**b; pulses add up, because the state
x is an equivalent time. The oxide beside the gap, R_max, conducts in parallel. Before the onset R
falls a little towards a floor, by a spread amount that comes and fades with time, and creeps up as
J - 1 times (t / t_on)**m. Weak cells (`variability`) have more barrier, which makes their failed
RESET persistent.

The law has no self-heating: its barriers and lowerings are apparent ones at the cell's own current.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity

BOLTZMANN_EV = 8.617333262e-5  # eV/K, exact by the SI (k / e)
FLOOR_VOLTAGE = 0.05  # V; below it V_c stands for a barrier that heat alone crosses
Array = NDArray[np.float64]


@dataclass(frozen=True)
class SetLaw:
    """SET kinetics and compliance (`set` in a file)."""

    attempt_time: float = quantity("s", "t_0, attempt time of the barrier", minimum=1e-18)
    barrier: float = quantity("eV", "E of a cell at the reference resistance", minimum=0)
    lowering: float = quantity("eV/V", "a, lowering of the barrier by the cell's voltage")
    barrier_slope: float = quantity("eV", "rise of the barrier for each e-fold of resistance")
    reference_resistance: float = quantity("ohm", "resistance at which E is stated", minimum=1)
    minimum_resistance: float = quantity("ohm", "R_min, of a fully grown filament", minimum=0)
    series_resistance: float = quantity("ohm", "R_s, of wires and access", minimum=0)
    closed_lift: float = quantity("1", "h, ln of the lift of an already closed cell", minimum=0)
    closed_resistance: float = quantity("ohm", "R_closed, below which a cell is closed", minimum=1)
    closed_exponent: float = quantity("1", "p, sharpness of that change", minimum=0)
    transistor_gain: float = quantity("A/V^2", "specific current of the transistor / V**2")
    transistor_threshold: float = quantity("V", "threshold of the select transistor")
    transistor_slope: float = quantity("1", "slope factor n of the transistor", minimum=0.1)
    transistor_softness: float = quantity("V", "width of weak inversion", minimum=1e-3)
    transistor_dibl: float = quantity("V/V", "threshold lowering by drain voltage", minimum=0)

    def critical_voltage(
        self, width: ArrayLike, temperature: float, resistance: ArrayLike, excess: ArrayLike
    ) -> Array:
        """V_c [V] for a pulse of `width` [s] at `temperature` [K].

        `resistance` [ohm] is that before the pulse, `excess` [eV] this event's extra barrier.
        """
        barrier = (
            self.barrier
            + np.asarray(excess, np.float64)
            + self.barrier_slope * np.log(np.asarray(resistance) / self.reference_resistance)
        )
        heat = BOLTZMANN_EV * temperature * np.log(np.asarray(width) / self.attempt_time)
        return np.maximum((barrier - heat) / self.lowering, FLOOR_VOLTAGE)

    def current(self, wordline: ArrayLike, drop: ArrayLike, shift: ArrayLike = 0.0) -> Array:
        """Transistor current [A] at gate voltage `wordline` and drain-source `drop` [V].

        `shift` [V] is this cell's extra threshold.
        """
        overdrive = (
            np.asarray(wordline)
            - self.transistor_threshold
            - np.asarray(shift)
            + self.transistor_dibl * np.asarray(drop)
        ) / self.transistor_slope
        forward = self._inversion(overdrive)
        return self.transistor_gain * (forward - self._inversion(overdrive - np.asarray(drop)))

    def _inversion(self, voltage: Array) -> Array:
        unit = 2.0 * self.transistor_softness
        return (unit * np.logaddexp(0.0, voltage / unit)) ** 2

    def compliance(
        self, bitline: ArrayLike, wordline: ArrayLike, critical: ArrayLike, shift: ArrayLike = 0.0
    ) -> Array:
        """R [ohm] at which the cell's voltage is `critical` [V]; `shift` [V] as in `current`."""
        drop = np.maximum(np.asarray(bitline) - np.asarray(critical), 1e-6)
        current = np.maximum(self.current(wordline, drop, shift), 1e-12)
        grown = np.asarray(critical) * (1.0 / current + self.series_resistance / drop)
        return self.minimum_resistance + grown

    def target(
        self,
        before: ArrayLike,
        bitline: ArrayLike,
        wordline: ArrayLike,
        width: ArrayLike,
        temperature: float,
        excess: ArrayLike = 0.0,
        shift: ArrayLike = 0.0,
    ) -> Array:
        """R [ohm] that a cell at `before` [ohm] tends to in the pulse; infinite without onset.

        The median, without the spread of ln R after SET. The barrier of the onset is that of the
        state before; the growth ends at the barrier of the state it has come to.
        """
        onset = self.critical_voltage(width, temperature, before, excess)
        first = self.compliance(bitline, wordline, onset, shift)
        settled = self.critical_voltage(width, temperature, np.minimum(first, before), excess)
        openness = (np.asarray(before) / self.closed_resistance) ** self.closed_exponent
        lift = np.exp(self.closed_lift / (1.0 + openness))
        grown = self.compliance(bitline, wordline, settled, shift) * lift
        return np.where(np.asarray(bitline) > onset, grown, np.inf)


@dataclass(frozen=True)
class ResetLaw:
    """RESET onset and growth (`reset` in a file)."""

    attempt_time: float = quantity("s", "t_0, attempt time of the barrier", minimum=1e-18)
    barrier: float = quantity("eV", "E_r, apparent barrier without field", minimum=0)
    lowering: float = quantity("eV/V", "a_r, lowering by the effective voltage", minimum=0)
    barrier_spread: float = quantity("eV", "sigma of the RESET barrier", minimum=0)
    reference_resistance: float = quantity("ohm", "R_ref, at which tau is stated", minimum=1)
    filament_exponent: float = quantity("1", "eta, slowing of the onset by thicker filaments")
    incubation: float = quantity("s", "t_i, before which no onset comes", minimum=0)
    follower_offset: float = quantity("V", "V_x, effective voltage minus V_WL when it follows")
    follower_softness: float = quantity("V", "width of the change to following", minimum=1e-3)
    jump: float = quantity("1", "J, ratio of the first stroke", minimum=1)
    growth: float = quantity("1", "b, exponent of the growth with time", minimum=0.02)
    maximum_resistance: float = quantity("ohm", "R_max, of the oxide beside the gap", minimum=1)
    weak_barrier: float = quantity("eV", "extra barrier of weak cells", minimum=0)
    creep_exponent: float = quantity("1", "m, of the creep before the onset", minimum=0.1)
    decrease: float = quantity("1", "largest mean fall of ln(R - floor) before it", minimum=0)
    decrease_floor: float = quantity("ohm", "resistance that the fall tends to", minimum=0)
    decrease_time: float = quantity("s", "its time scale at the decrease voltage", minimum=0)
    decrease_fade: float = quantity("s", "time after which the fall fades again", minimum=0)
    decrease_voltage: float = quantity("V", "voltage at which that time is stated")
    decrease_voltage_scale: float = quantity("V", "e-fold of that time", minimum=1e-3)
    decrease_exponent: float = quantity("1", "exponent of its growth with time", minimum=0)
    decrease_spread: float = quantity("1", "sigma of its logarithm", minimum=0)

    def effective_voltage(self, sourceline: ArrayLike, wordline: ArrayLike) -> Array:
        """V [V]: the source line, or what the transistor lets follow its gate; smooth between."""
        source = np.asarray(sourceline, np.float64)
        excess = source - (np.asarray(wordline) + self.follower_offset)
        above = self.follower_softness * np.logaddexp(0.0, excess / self.follower_softness)
        return np.maximum(source - above, 0.0)

    def time_constant(self, voltage: ArrayLike, temperature: float, excess: ArrayLike) -> Array:
        """tau [s] at effective `voltage` [V]; `excess` [eV] is this event's extra barrier."""
        barrier = self.barrier + np.asarray(excess) - self.lowering * np.asarray(voltage)
        return self.attempt_time * np.exp(barrier / (BOLTZMANN_EV * temperature))

    def onset(self, resistance: ArrayLike, tau: ArrayLike) -> Array:
        """t_on [s] of cells at `resistance` [ohm] before the pulse."""
        ratio = np.asarray(resistance) / self.reference_resistance
        return self.incubation + np.asarray(tau) * ratio**-self.filament_exponent

    def grown(
        self, resistance: ArrayLike, width: ArrayLike, tau: ArrayLike, growth: ArrayLike
    ) -> Array:
        """R [ohm] after a pulse that had its onset; `growth` is b of each event.

        The oxide beside the gap conducts in parallel, and R does not fall.
        """
        before = np.log(np.asarray(resistance) / self.reference_resistance)
        stroke = np.log(self.jump) + growth * np.log(np.asarray(width) / np.asarray(tau))
        sum_of_times = growth * np.logaddexp(before / growth, stroke / growth)
        grown = self.reference_resistance * np.exp(sum_of_times)
        parallel = 1.0 / (1.0 / grown + 1.0 / self.maximum_resistance)
        return np.maximum(parallel, resistance)

    def crept(
        self, resistance: ArrayLike, voltage: ArrayLike, width: ArrayLike, onset: Array, xi: Array
    ) -> Array:
        """R [ohm] of a cell whose pulse ends before its `onset` [s]; `xi` standard normal.

        R - floor falls for a while, and R creeps up towards the first stroke. The fall is less by
        the square of R / R_ref above R_ref, where the gap is open.
        """
        before, time = np.asarray(resistance, np.float64), np.asarray(width, np.float64)
        scale = self.decrease_time * np.exp(
            -(np.asarray(voltage) - self.decrease_voltage) / self.decrease_voltage_scale
        )
        progress = (time / scale) ** self.decrease_exponent
        spread = np.exp(self.decrease_spread * xi - 0.5 * self.decrease_spread**2)
        open_gap = np.maximum(before / self.reference_resistance, 1.0)
        fade = 1.0 + time / self.decrease_fade
        fall = self.decrease * progress / (1.0 + progress) * spread / (open_gap**2 * fade)
        above = np.maximum(before - self.decrease_floor, 0.0)
        fallen = np.minimum(before, self.decrease_floor) + above * np.exp(-fall)
        return fallen * (1.0 + (self.jump - 1.0) * (time / onset) ** self.creep_exponent)
