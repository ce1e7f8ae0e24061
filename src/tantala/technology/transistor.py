"""Transistors: drive, leakage, capacitance and mismatch of one device type under conditions.

Drive follows the alpha-power law (Sakurai and Newton 1990) in an effective overdrive that goes over
smoothly into weak inversion, I ~ softplus((Vgs - Vth)/s)^alpha with s = alpha n kT/q, so that the
current has the right exponential below threshold and no kink at it. Switching resistance is that of
the effective current (Na et al. 2002): delay = C Vdd / (2 I_eff). Leakage is the physical law
Ioff ~ T^2 exp(-q Vth(T) / (n k T)); gate and junction leakage are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tantala.base.binding import quantity
from tantala.technology.broadcast import Values, expm1, softplus, sqrt, values
from tantala.technology.delay import LN2

BOLTZMANN_OVER_CHARGE = 8.617333262e-5  # V/K, CODATA 2018
REFERENCE = 300.0  # K, temperature of the currents in the library


@dataclass(frozen=True)
class TransistorParameters:
    """A device type of a node: typical corner, 300 K, nominal supply; per metre of width."""

    supply: float = quantity("V", "nominal supply", minimum=0)
    threshold: float = quantity("V", "saturated threshold voltage", minimum=0)
    on_current_n: float = quantity("A/m", "n current at Vgs = Vds = supply", minimum=0)
    on_current_p: float = quantity("A/m", "p current at Vgs = Vds = supply", minimum=0)
    off_current_n: float = quantity("A/m", "n current at Vgs = 0, Vds = supply", minimum=0)
    off_current_p: float = quantity("A/m", "p current at Vgs = 0, Vds = supply", minimum=0)
    gate_capacitance: float = quantity("F/m", "gate capacitance with overlap and fringe", minimum=0)
    drain_capacitance: float = quantity("F/m", "drain junction and overlap", minimum=0)
    length: float = quantity("m", "drawn gate length", minimum=0)
    contacted_pitch: float = quantity("m", "contacted gate pitch", minimum=0)
    minimum_width: float = quantity("m", "smallest drawn width", minimum=0)
    alpha: float = quantity("1", "index of the alpha-power law", minimum=1, maximum=2)
    slope_factor: float = quantity("1", "subthreshold slope factor n", minimum=1)
    dibl: float = quantity("1", "fall of the threshold per drain voltage", minimum=0)
    threshold_temperature: float = quantity("V/K", "fall of the threshold per kelvin", minimum=0)
    mobility_exponent: float = quantity("1", "m in drive ~ (T/300 K)^-m", minimum=0)
    saturation_ratio: float = quantity("1", "I(Vdd, Vdd/2) over Ion", minimum=0, maximum=1)
    mismatch: float = quantity("V*m", "Pelgrom A_vt of a pair", minimum=0)
    maximum_voltage: float = quantity("V", "largest gate voltage in use", minimum=0)


@dataclass(frozen=True)
class Shift:
    """What a corner does to one device type: threshold shift [V] and factors, for n and p."""

    threshold_n: float = 0.0
    threshold_p: float = 0.0
    drive_n: float = 1.0
    drive_p: float = 1.0
    capacitance: float = 1.0


@dataclass(frozen=True)
class Transistor:
    """A device type at a corner, a temperature [K] and a supply [V].

    Widths and lengths are in m and may be arrays; `polarity` is "n" or "p".
    """

    parameters: TransistorParameters
    temperature: float
    supply: float
    shift: Shift = Shift()

    def with_supply(self, supply: float) -> Transistor:
        """The same device in a domain of another supply [V]."""
        return replace(self, supply=float(supply))

    @property
    def length(self) -> float:
        """Drawn gate length [m]."""
        return self.parameters.length

    @property
    def thermal_voltage(self) -> float:
        """kT/q [V]."""
        return BOLTZMANN_OVER_CHARGE * self.temperature

    @property
    def gate_capacitance(self) -> float:
        """Gate capacitance per width [F/m] at the drawn length."""
        return self.shift.capacitance * self.parameters.gate_capacitance

    @property
    def drain_capacitance(self) -> float:
        """Drain capacitance per width [F/m]."""
        return self.shift.capacitance * self.parameters.drain_capacitance

    def threshold(self, polarity: str = "n") -> float:
        """Threshold voltage [V]: falls linearly with temperature, shifted by the corner."""
        return self._thresholds[polarity]

    @cached_property
    def _thresholds(self) -> dict[str, float]:
        warming = self.temperature - REFERENCE
        middle = self.parameters.threshold - self.parameters.threshold_temperature * warming
        return {"n": middle + self.shift.threshold_n, "p": middle + self.shift.threshold_p}

    def overdrive(self, gate_voltage: Values, polarity: str = "n") -> np.ndarray:
        """Effective overdrive [V]: Vgs - Vth above threshold, exponential below it."""
        scale = self._overdrive_scale
        excess = (values(gate_voltage) - self.threshold(polarity)) / scale
        return scale * softplus(excess)

    @cached_property
    def _overdrive_scale(self) -> float:
        return self.parameters.alpha * self.parameters.slope_factor * self.thermal_voltage

    @cached_property
    def _gain(self) -> dict[str, float]:
        """K in I = K W V_od^alpha [A / (m V^alpha)], from the nominal on-current at 300 K."""
        p = self.parameters
        scale = p.alpha * p.slope_factor * BOLTZMANN_OVER_CHARGE * REFERENCE
        overdrive = scale * float(np.logaddexp(0.0, (p.supply - p.threshold) / scale))
        slowing = (self.temperature / REFERENCE) ** -p.mobility_exponent / overdrive**p.alpha
        return {
            "n": self.shift.drive_n * p.on_current_n * slowing,
            "p": self.shift.drive_p * p.on_current_p * slowing,
        }

    def current(
        self,
        gate_voltage: Values,
        width: Values,
        polarity: str = "n",
        length: Values | None = None,
    ) -> np.ndarray:
        """Saturation current [A] at `gate_voltage` [V]; a longer gate gives proportionally less."""
        ratio = 1.0 if length is None else self.length / values(length)
        drive = self.overdrive(gate_voltage, polarity) ** self.parameters.alpha
        return self._gain[polarity] * values(width) * ratio * drive

    def transconductance(
        self,
        current: Values,
        width: Values,
        polarity: str = "n",
        length: Values | None = None,
    ) -> np.ndarray:
        """gm [S] of a saturated device that carries `current` [A].

        dI/dVgs of the same law: alpha I (1 - exp(-Vod/s)) / Vod, which is I/(n kT/q) in weak
        inversion and alpha I / (Vgs - Vth) in strong inversion.
        """
        current = values(current)
        ratio = 1.0 if length is None else self.length / values(length)
        gain = self._gain[polarity] * values(width) * ratio
        overdrive = (current / gain) ** (1.0 / self.parameters.alpha)
        weak = -expm1(-overdrive / self._overdrive_scale)
        return self.parameters.alpha * current * weak / overdrive

    def channel_conductance(
        self, gate_voltage: Values, width: Values, polarity: str = "n"
    ) -> np.ndarray:
        """Conductance [S] of the open channel at small Vds, for pass gates.

        Slope of I = I_sat (2 - Vds/Vdsat) Vds/Vdsat with Vdsat = alpha Vod / 2; the body effect of
        a raised source is left out.
        """
        alpha, overdrive = self.parameters.alpha, self.overdrive(gate_voltage, polarity)
        current = self._gain[polarity] * values(width) * overdrive**alpha
        return 2.0 * current / (0.5 * alpha * overdrive)

    def effective_current(
        self, width: Values, polarity: str = "n", gate_voltage: Values | None = None
    ) -> np.ndarray:
        """Mean current [A] of a switching gate, (I_H + I_L)/2 (Na et al. 2002).

        I_H = I(Vdd, Vdd/2), I_L = I(Vdd/2, Vdd); `gate_voltage` replaces the supply.
        """
        swing = self.supply if gate_voltage is None else values(gate_voltage)
        high = self.parameters.saturation_ratio * self.current(swing, width, polarity)
        low = self.current(0.5 * swing, width, polarity)
        return 0.5 * (high + low)

    def resistance(
        self,
        width: Values,
        polarity: str = "n",
        gate_voltage: Values | None = None,
        swing: Values | None = None,
    ) -> np.ndarray:
        """Switching resistance [ohm]: ln 2 R C = C swing / (2 I_eff).

        `gate_voltage` is the supply if None, `swing` [V] of the output the gate voltage if None.
        """
        if swing is None:
            swing = self.supply if gate_voltage is None else gate_voltage
        current = self.effective_current(width, polarity, gate_voltage)
        return values(swing) / (2.0 * LN2 * current)

    def resistance_factor(self, polarity: str = "n") -> float:
        """k_r in R = k_r Vdd / (Ion W)."""
        on = self.current(self.supply, 1.0, polarity)
        return float(self.resistance(1.0, polarity) * on / self.supply)

    def off_current(self, width: Values, polarity: str = "n") -> np.ndarray:
        """Off current [A] of `width` [m] at Vds = supply.

        Ioff(T) = Ioff(300 K) (T/300 K)^2 exp(q Vth0/(n k 300 K) - q Vth(T)/(n k T)), with the
        threshold lowered by DIBL when the supply is not the nominal one.
        """
        return values(width) * self._off_density[polarity]

    @cached_property
    def _off_density(self) -> dict[str, float]:
        """Off current per width [A/m]."""
        p = self.parameters
        lowering = p.dibl * (self.supply - p.supply)
        cold = p.threshold / (p.slope_factor * BOLTZMANN_OVER_CHARGE * REFERENCE)
        density = {}
        for polarity, off in (("n", p.off_current_n), ("p", p.off_current_p)):
            warm = (self.threshold(polarity) - lowering) / (p.slope_factor * self.thermal_voltage)
            density[polarity] = off * (self.temperature / REFERENCE) ** 2 * math.exp(cold - warm)
        return density

    def threshold_sigma(self, width: Values, length: Values | None = None) -> np.ndarray:
        """Standard deviation [V] of the threshold difference of a pair (Pelgrom 1989)."""
        length = self.length if length is None else values(length)
        return self.parameters.mismatch / sqrt(values(width) * length)

    def area(self, width: Values) -> np.ndarray:
        """Drawn area [m^2]: width times the contacted gate pitch, before any layout overhead."""
        return values(width) * self.parameters.contacted_pitch

    # The unit inverter: n device of width 1 m, p device of width pn_ratio. Everything of a chain
    # of gates is one of these numbers times a width.

    @cached_property
    def pn_ratio(self) -> float:
        """Width of the p over the n device for least delay, sqrt(I_n / I_p)."""
        return float(np.sqrt(self.parameters.on_current_n / self.parameters.on_current_p))

    @cached_property
    def inverter_resistance(self) -> float:
        """Mean of pull-up and pull-down resistance of the unit inverter [ohm m]."""
        pull_down = float(self.resistance(1.0, "n"))
        pull_up = float(self.resistance(self.pn_ratio, "p"))
        return 0.5 * (pull_down + pull_up)

    @cached_property
    def inverter_input(self) -> float:
        """Input capacitance of the unit inverter [F/m]."""
        return self.gate_capacitance * (1.0 + self.pn_ratio)

    @cached_property
    def inverter_output(self) -> float:
        """Own output capacitance of the unit inverter [F/m]."""
        return self.drain_capacitance * (1.0 + self.pn_ratio)

    @cached_property
    def inverter_area(self) -> float:
        """Drawn area of the unit inverter [m^2 per m of n width]."""
        return float(self.area(1.0 + self.pn_ratio))

    @cached_property
    def inverter_leakage(self) -> float:
        """Leakage power of the unit inverter [W/m]: one of its two devices is off."""
        both = self.off_current(1.0, "n") + self.off_current(self.pn_ratio, "p")
        return float(0.5 * both * self.supply)

    @cached_property
    def tau(self) -> float:
        """Delay [s] of an inverter into one equal input, without its own output."""
        return LN2 * self.inverter_resistance * self.inverter_input

    @cached_property
    def parasitic(self) -> float:
        """Own output over input capacitance of an inverter."""
        return self.inverter_output / self.inverter_input

    @property
    def fo4(self) -> float:
        """Delay [s] of an inverter that drives four of its kind."""
        return self.tau * (4.0 + self.parasitic)


def corner_shift(kind: dict[str, int], spread: Any) -> Shift:
    """The shift of a corner: `kind` gives -1 (slow), 0 or 1 (fast) for "n" and "p"."""
    n, p = kind["n"], kind["p"]
    return Shift(
        threshold_n=-n * spread.threshold,
        threshold_p=-p * spread.threshold,
        drive_n=1.0 + n * spread.drive,
        drive_p=1.0 + p * spread.drive,
        capacitance=1.0 - 0.5 * (n + p) * spread.capacitance,
    )
