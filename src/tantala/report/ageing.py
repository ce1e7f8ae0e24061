"""Cells over time, temperature and cycling, and the error rates that a macro then reads.

Everything goes through two functions: the level distributions of the cell at an age, and the error
rates of the macro that reads them. Nothing about ageing is modelled here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from tantala.cell.ageing import ageing_of
from tantala.cell.levels import LevelDistribution, written_levels
from tantala.cell.relaxation import aged
from tantala.macro.blocks import build
from tantala.report.figures import (
    Array,
    EnduranceRow,
    ErrorRates,
    Margin,
    RetentionRow,
    StateFigures,
)
from tantala.report.notation import storage_time, written

if TYPE_CHECKING:
    from tantala.cell import Cell
    from tantala.macro.bit_cell import Levels
    from tantala.macro.macro import Macro
    from tantala.macro.reliability import ErrorRates as Rates

TAIL = 1e-6  # the tail that tables print: one cell in a million
_YEAR = 365.25 * 86400.0
_HOUR = 3600.0
_CURVE = 160  # points of a printed distribution
FRESH = 60.0  # s after a write: "as written" in a data sheet, since no reader is faster
_TEMPERATURES = (25.0, 55.0, 85.0, 105.0, 125.0)  # degC, what data sheets tabulate
_DECADES = (0, 10, 100, 1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Aged:
    """One state at one age, with the methods that reading a level needs; straight from the cell's
    distribution, without a table between.
    """

    distribution: LevelDistribution

    def below(self, g: ArrayLike) -> Array:
        """ln P(G < g [S])."""
        return self.distribution.log_below(g)

    def above(self, g: ArrayLike) -> Array:
        """ln P(G >= g [S])."""
        return self.distribution.log_above(g)

    def low_tail(self, p: float) -> float:
        """The conductance [S] that a share `p` of the cells undercuts."""
        return self.distribution.quantile(p)

    def high_tail(self, p: float) -> float:
        """The conductance [S] that a share `p` of the cells exceeds."""
        return self.distribution.quantile(1.0 - p)

    @property
    def mean(self) -> float:
        """Mean conductance, S."""
        return self.distribution.mean


@dataclass(frozen=True)
class Pair:
    """Both states at one age."""

    low: Aged
    high: Aged


class Ages:
    """The levels and error rates of one macro at any age.

    Cells are cycled and written once for each number of cycles; ages follow from the written
    levels in closed form. Ages beyond the cell's calibration are computed and counted as such.
    """

    def __init__(self, macro: Macro, cell: Cell) -> None:
        self.macro = macro
        self.cell = cell
        need, env = macro.design.requirements, macro.design.environment
        self.stated = (need.retention.time, need.retention.temperature, need.endurance)
        self.room = env.temperature_typical
        self.law = ageing_of(cell)
        self._written: dict[int, dict[str, Any]] = {}

    def _nodes(self, cycles: int) -> dict[str, Any]:
        if cycles not in self._written:
            scheme = self.macro.design.write.scheme
            self._written[cycles] = written_levels(self.cell, scheme, cycles)
        return self._written[cycles]

    def equivalent(self, time: float, temperature: float) -> float:
        """The age [s at 25 degC] that `time` [s] at `temperature` [K] amounts to."""
        return float(aged(0.0, time, temperature, self.law.relaxation.attempt_rate))

    def calibrated(self, time: float, temperature: float) -> bool:
        """Whether the cell was measured, or its law constrained, up to this age."""
        front = float(self.law.relaxation.front(self.equivalent(time, temperature)))
        return front <= self.law.front_limit

    def levels(self, time: float, temperature: float, cycles: int) -> Pair:
        """Both states `time` s at `temperature` K after `cycles` cycles and a verified write."""
        age = self.equivalent(time, temperature)
        states = {
            state: Aged(LevelDistribution(self.law, written, age, failed))
            for state, (written, failed) in self._nodes(cycles).items()
        }
        return Pair(states["low"], states["high"])

    def rates(self, time: float, temperature: float, cycles: int) -> Rates:
        """Error rates of reading them at typical conditions."""
        # Reading asks a level for its two tails only, and these levels have them.
        levels = cast("Levels", self.levels(time, temperature, cycles))
        return self.macro.error_rates(levels, temperature=self.room)

    def grid(self, times: Array, temperatures: Array, cycles: int) -> ErrorRates:
        """Error rates over storage times [s] and temperatures [K]."""
        found = [[self.rates(float(t), float(k), cycles) for t in times] for k in temperatures]
        inside = [[self.calibrated(float(t), float(k)) for t in times] for k in temperatures]
        return ErrorRates(
            cycles,
            times,
            temperatures,
            np.array([[rate.raw for rate in row] for row in found]),
            np.array([[rate.uber for rate in row] for row in found]),
            np.array(inside),
        )


def margin(ages: Ages) -> Margin:
    """Both states as written and at the end of life, beside the reference."""
    macro = ages.macro
    column = build(macro.setting("typical", ages.room), macro.plan).column
    volts = macro.cell.read_voltage
    conditions = ((FRESH, ages.room, 0), ages.stated)
    top = 1.05 * max(ages.levels(*at).low.high_tail(1e-3) for at in conditions)
    states = []
    for old, at in enumerate(conditions):
        levels, rates = ages.levels(*at), ages.rates(*at)
        states.append(_state("low", bool(old), levels.low, rates.low_resistance, top))
        states.append(_state("high", bool(old), levels.high, rates.high_resistance, top))
    reference = float(column.currents.reference)
    return Margin(
        read_voltage_V=volts,
        reference_A=reference,
        reference_S=reference / volts,
        usable_A=float(max(column.time.usable, 0.0)),
        offset_A=float(column.offset),
        states=tuple(states),
    )


def _state(
    state: Literal["low", "high"], old: bool, level: Aged, misread: float, top: float
) -> StateFigures:
    conductance = np.linspace(top / _CURVE, top, _CURVE)
    below, above = np.exp(level.below(conductance)), np.exp(level.above(conductance))
    # Differences of whichever tail is the smaller keep their digits.
    steps = np.where(below < 0.5, np.gradient(below), -np.gradient(above))
    low = state == "low"
    return StateFigures(
        state=state,
        aged=old,
        mean_S=level.mean,
        median_S=level.low_tail(0.5),
        tail_S=level.low_tail(TAIL) if low else level.high_tail(TAIL),
        misread=misread,
        conductance_S=conductance,
        density_per_S=np.maximum(steps, 0.0) / (conductance[1] - conductance[0]),
        beyond=below if low else above,
    )


def storage(ages: Ages, points: int = 13) -> ErrorRates:
    """Error rates from an hour to a century at the temperatures that data sheets tabulate."""
    time, kelvin, cycles = ages.stated
    times = np.geomspace(_HOUR, max(100.0 * _YEAR, time), points)
    times = np.unique(np.append(times, time))
    temperatures = np.unique([*(c + 273.15 for c in _TEMPERATURES), kelvin])
    return ages.grid(times, temperatures, cycles)


def temperature_sweep(ages: Ages, points: int = 11) -> ErrorRates:
    """Error rates after the stated storage time, from 25 to 150 degC."""
    time, kelvin, cycles = ages.stated
    temperatures = np.unique(np.append(np.linspace(298.15, 423.15, points), kelvin))
    return ages.grid(np.array([time]), temperatures, cycles)


def retention(ages: Ages, rates: ErrorRates, limit: float) -> tuple[RetentionRow, ...]:
    """Error rates after the stated time at each temperature, and how long data last there."""
    stated = int(np.flatnonzero(rates.time_s == ages.stated[0])[0])
    return tuple(
        RetentionRow(
            temperature_K=float(kelvin),
            raw=float(rates.raw[row, stated]),
            uncorrectable=float(rates.uncorrectable[row, stated]),
            time_to_limit_s=_crossing(rates.time_s, rates.uncorrectable[row], limit),
            calibrated=bool(rates.calibrated[row, stated]),
        )
        for row, kelvin in enumerate(rates.temperature_K)
    )


def _crossing(times: Array, rates: Array, limit: float) -> float | None:
    """When a rate first exceeds its limit, interpolated on logarithms; None if it never does.

    A rate beyond the limit from the first time on gives 0.
    """
    beyond = np.flatnonzero(rates > limit)
    if not len(beyond):
        return None
    after = int(beyond[0])
    if after == 0:
        return 0.0
    log_rate = np.log(np.maximum(rates[after - 1 : after + 1], 1e-300))
    log_time = np.log(times[after - 1 : after + 1])
    return float(np.exp(np.interp(np.log(limit), log_rate, log_time)))


def endurance(ages: Ages) -> tuple[EnduranceRow, ...]:
    """Window and error rates against cycles, up to a decade beyond the stated number."""
    time, kelvin, stated = ages.stated
    counts = sorted({count for count in _DECADES if count <= 10 * stated} | {stated})
    rows = []
    for cycles in counts:
        fresh = ages.levels(FRESH, ages.room, cycles)
        aged = ages.rates(time, kelvin, cycles)
        rows.append(
            EnduranceRow(
                cycles=cycles,
                low_median_S=fresh.low.low_tail(0.5),
                low_tail_S=fresh.low.low_tail(TAIL),
                high_median_S=fresh.high.low_tail(0.5),
                high_tail_S=fresh.high.high_tail(TAIL),
                raw_fresh=ages.rates(FRESH, ages.room, cycles).raw,
                raw_aged=aged.raw,
                uncorrectable_aged=aged.uber,
            )
        )
    return tuple(rows)


def beyond(rates: ErrorRates) -> tuple[str, ...]:
    """Which of the printed ages lie beyond the cell's calibration, one text a temperature."""
    found = []
    for kelvin, inside in zip(rates.temperature_K, rates.calibrated, strict=True):
        if not inside.all():
            first = storage_time(float(rates.time_s[int(np.argmin(inside))]))
            found.append(f"Error rates at {written(float(kelvin), 'K')}: from {first} on")
    return tuple(found)
