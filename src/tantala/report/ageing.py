"""Cells over time, temperature and cycling, and the error rates that a macro then reads.

Everything goes through two functions: the level distributions of the cell at an age, and the error
rates of the macro that reads them. Nothing about ageing is modelled here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from tantala.base.pchip import Pchip
from tantala.macro.blocks import build
from tantala.report.aged_levels import HOTTEST, HOUR, LONGEST, REFERENCE, AgedLevels
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
    from tantala.macro.levels import Level
    from tantala.macro.macro import Macro
    from tantala.macro.reliability import ErrorRates as Rates

TAIL = 1e-6  # the tail that tables print: one cell in a million
_CURVE = 160  # points of a printed distribution
_TEMPERATURES = (25.0, 55.0, 85.0, 105.0, 125.0)  # degC, what data sheets tabulate


class Ages:
    """The error rates of one macro at any age of its cells, from the levels at that age."""

    def __init__(self, macro: Macro, levels: AgedLevels) -> None:
        self.macro = macro
        self.levels = levels
        self.stated, self.room = levels.stated, levels.room
        # The macro's own levels at the stated life, so that all figures of it are the same.
        levels.know({levels.key(*levels.stated): macro.cell.aged})

    def rates(self, time: float, temperature: float, cycles: int) -> Rates:
        """Error rates of reading cells of that age at typical conditions."""
        levels = self.levels.at(time, temperature, cycles)
        return self.macro.error_rates(levels, temperature=self.room)

    @functools.cached_property
    def _course(self) -> Callable[[Array], Array]:
        """ln of raw and uncorrectable error rate over ln of the equivalent age, after the stated
        cycles.

        Time and temperature act through the equivalent age alone, so one curve serves all; its
        nodes are spread evenly from an hour at room temperature to the oldest age that is printed,
        and the stated age is one of them.
        """
        nodes = self.levels.nodes
        found = [self.rates(float(age), REFERENCE, self.stated[2]) for age in nodes]
        rates = np.array([(rate.raw, rate.uber) for rate in found])
        log_rates = np.log(np.maximum(rates, 1e-300))
        curves = [Pchip(np.log(nodes), column) for column in log_rates.T]
        return lambda log_age: np.stack([curve(log_age) for curve in curves], axis=-1)

    def grid(self, times: Array, temperatures: Array) -> ErrorRates:
        """Error rates over storage times [s] and temperatures [K], after the stated cycles."""
        levels = self.levels
        ages = np.array(
            [[levels.equivalent(float(t), float(k)) for t in times] for k in temperatures]
        )
        inside = [[levels.calibrated(float(t), float(k)) for t in times] for k in temperatures]
        rates = np.exp(self._course(np.log(ages)))
        return ErrorRates(
            cycles=self.stated[2],
            time_s=times,
            temperature_K=temperatures,
            raw=rates[..., 0],
            uncorrectable=rates[..., 1],
            calibrated=np.array(inside),
        )


def margin(ages: Ages) -> Margin:
    """Both states as written and at the end of life, beside the reference."""
    macro = ages.macro
    column = build(macro.setting("typical", ages.room), macro.plan).column
    volts = macro.cell.read_voltage
    conditions = ((0.0, ages.room, 0), ages.stated)
    top = 1.05 * max(ages.levels.at(*at).low.high_tail(1e-3) for at in conditions)
    states = []
    for old, at in enumerate(conditions):
        levels, rates = ages.levels.at(*at), ages.rates(*at)
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
    state: Literal["low", "high"], old: bool, level: Level, misread: float, top: float
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
    time, kelvin, _ = ages.stated
    times = np.geomspace(HOUR, LONGEST, points)
    times = np.unique(np.append(times, time))
    temperatures = np.unique([*(c + 273.15 for c in _TEMPERATURES), kelvin])
    return ages.grid(times, temperatures)


def temperature_sweep(ages: Ages, points: int = 11) -> ErrorRates:
    """Error rates after the stated storage time, from 25 to 150 degC."""
    time, kelvin, _ = ages.stated
    temperatures = np.unique(np.append(np.linspace(298.15, HOTTEST, points), kelvin))
    return ages.grid(np.array([time]), temperatures)


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
    time, kelvin, _ = ages.stated
    rows = []
    for cycles in ages.levels.counts:
        fresh = ages.levels.at(0.0, ages.room, cycles)
        aged = ages.rates(time, kelvin, cycles)
        rows.append(
            EnduranceRow(
                cycles=cycles,
                low_median_S=fresh.low.low_tail(0.5),
                low_tail_S=fresh.low.low_tail(TAIL),
                high_median_S=fresh.high.low_tail(0.5),
                high_tail_S=fresh.high.high_tail(TAIL),
                raw_fresh=ages.rates(0.0, ages.room, cycles).raw,
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
