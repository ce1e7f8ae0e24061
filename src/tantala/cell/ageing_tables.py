"""From measurement tables to the numbers of relaxation and retention.

Reads after programming ("relaxation"), reads after verified writes ("verified_writes") and reads
before and after bakes ("bake") are all one thing to the ageing law: cells before and after a time
at a temperature. They are fitted together; what a kind of table would have told and is not there
is held at a stated assumption.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tantala.base.binding import meanings
from tantala.base.errors import FitError, Problem
from tantala.cell.ageing import Ageing
from tantala.cell.ageing_fit import (
    BY_NAME,
    EIGHTHS,
    PROBABILITIES,
    AgedCells,
    Groups,
    eighths,
    group,
    predicted,
    refine,
    uncertainties,
)
from tantala.cell.fit.held import held
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable
from tantala.cell.relaxation import REFERENCE, RelaxationLaw, aged
from tantala.cell.retention import RetentionLaw

Floats = NDArray[np.float64]
# A choice of method: where profiles over conductance have their points, in parts of full scale.
AMPLITUDE_STATES = (0.02, 0.06, 0.13, 0.25, 0.4, 0.55, 0.75, 1.0)
STATES = (0.03, 0.18, 0.35, 0.6, 0.95)
RETENTION_STATES = (0.05, 0.3, 0.6, 0.95)
# Where the solver starts: shapes with a quiet low-resistance state and without. The best of the
# fits is kept, so that these numbers say nothing about a cell.
STARTS: tuple[dict[str, Any], ...] = (
    {
        "amplitude": (0.003, 0.012, 0.035, 0.065, 0.062, 0.042, 0.018, 0.007),
        "barrier": (0.9, 0.75, 0.7, 0.8, 0.9),
        "bias": (0.2, -0.1, -0.2, -0.1, -0.1),
        "flicker": (0.007, 0.010, 0.012, 0.010, 0.010),
        "events": 3.0,
    },
    {
        "amplitude": (0.01, 0.03, 0.05, 0.07, 0.07, 0.055, 0.045, 0.03),
        "barrier": (0.8, 0.8, 0.8, 0.8, 0.8),
        "bias": (0.1, -0.1, -0.2, -0.2, -0.3),
        "flicker": (0.01, 0.03, 0.04, 0.04, 0.045),
        "events": 3.0,
    },
    {
        "amplitude": (0.003, 0.025, 0.045, 0.08, 0.09, 0.055, 0.021, 0.007),
        "barrier": (0.35, 0.6, 0.6, 0.45, 0.35),
        "bias": (0.8, -0.3, -0.3, -0.1, 0.2),
        "flicker": (0.006, 0.010, 0.012, 0.008, 0.009),
        "events": 2.5,
        "barrier_spread": 0.15,
    },
)
LATER: dict[str, Any] = {
    "early_drift": (0.0, 0.0, 0.0, -0.5),
    "early_spread": (0.5, 1.0, 1.0, 1.5),
    "late_onset": 1.7,
    "late_drift": (-0.5, -0.5, -0.5, -1.0),
    "late_spread": (0.5, 1.0, 1.0, 1.5),
}
# What bakes alone cannot tell, and the values held instead.
UNSEEN: dict[str, Any] = {
    "verify_delay": held().ageing.verify_delay,
    "barrier": (held().ageing.unseen_barrier,) * len(STATES),
    "barrier_spread": held().ageing.unseen_barrier_spread,
}
_RELAXED = [name for name, p in BY_NAME.items() if p.law == "relaxation"]
_RETAINED = [name for name, p in BY_NAME.items() if p.law == "retention"]


def fit_ageing(
    full_scale: float,
    relaxation: MeasurementTable | None = None,
    bakes: MeasurementTable | None = None,
    writes: MeasurementTable | None = None,
) -> tuple[FitResult, ...]:
    """Fit `RelaxationLaw`, and `RetentionLaw` where there are bakes, to all tables together.

    full_scale: conductance of the highest level, S. relaxation, bakes, writes: tables of the kinds
    "relaxation", "bake" and "verified_writes". Returns one FitResult a law.

    Raises FitError when there is no table, or none with enough cells.
    """
    cells = [
        *(relaxed(relaxation) if relaxation is not None else ()),
        *(after_writes(writes) if writes is not None else ()),
        *(baked(bakes) if bakes is not None else ()),
    ]
    if not cells:
        raise FitError(Problem("no table tells of ageing", allowed="relaxation, writes or bakes"))
    law, free, outcome = fit_law(cells, full_scale)
    return results(law, free, outcome, cells)


def fit_law(
    cells: Sequence[AgedCells], full_scale: float, starts: Sequence[Mapping[str, Any]] = STARTS
) -> tuple[Ageing, list[str], Any]:
    """The ageing law of measured cells, the names of its free numbers, and the solver's outcome."""
    warm = [sample for sample in cells if sample.temperature > REFERENCE + 20.0]
    cool = [sample for sample in cells if sample.temperature <= REFERENCE + 20.0]
    groups = group(cells, full_scale)
    span = float(groups.states.min()) / full_scale, float(groups.states.max()) / full_scale
    free = [n for n in _RELAXED if cool or n not in UNSEEN] + (_RETAINED if warm else [])
    best: tuple[Ageing, list[str], Any] | None = None
    for start in starts:
        law = _start(start, full_scale, span, cool=bool(cool), warm=bool(warm))
        if cool:
            law, _ = refine(law, group(cool, full_scale), _RELAXED, 25)
        if warm:
            first = ["amplitude", "bias", "flicker"] if not cool else []
            law, _ = refine(law, groups, first + _RETAINED, 20)
        law, outcome = refine(law, groups, free, 40)
        if best is None or outcome.cost < best[2].cost:
            best = law, free, outcome
    assert best is not None
    return _limited(best[0], cells), best[1], best[2]


def _start(
    shape: Mapping[str, Any],
    full_scale: float,
    span: tuple[float, float],
    cool: bool,
    warm: bool,
) -> Ageing:
    """A law of one shape, its profiles given at the states that the cells span."""
    numbers: dict[str, Any] = {
        "verify_delay": held().ageing.verify_delay,
        "barrier_spread": 0.2,
        "amplitude_growth": 0.3,
        "flicker_growth": 0.4,
        "large_event_ratio": 2.0,
        **shape,
        **({} if cool else UNSEEN),
        "amplitude_states": AMPLITUDE_STATES,
        "states": STATES,
    }
    _within(numbers, "amplitude_states", ("amplitude",), span)
    _within(numbers, "states", ("barrier", "bias", "flicker"), span)
    relaxation = RelaxationLaw(
        full_scale=full_scale, attempt_rate=held().ageing.attempt_rate, front_limit=0.0, **numbers
    )
    if not warm:
        return Ageing(relaxation)
    later = {"states": RETENTION_STATES, **LATER}
    profiles = ("early_drift", "early_spread", "late_drift", "late_spread")
    _within(later, "states", profiles, span)
    onset = 1.15 if cool else 1.4
    return Ageing(
        relaxation,
        RetentionLaw(
            early_onset=onset, early_width=0.12, late_width=0.12, front_limit=0.0, **later
        ),
    )


def _within(
    numbers: dict[str, Any], states: str, profiles: Sequence[str], span: tuple[float, float]
) -> None:
    """Leave out states that no cell is near: a profile holds its relative value beyond its ends."""
    keep = [0.6 * span[0] <= state <= 1.3 * span[1] for state in numbers[states]]
    for name in (states, *profiles):
        numbers[name] = tuple(v for v, kept in zip(numbers[name], keep, strict=True) if kept)


def _limited(law: Ageing, cells: Sequence[AgedCells]) -> Ageing:
    """The law with the front up to which it holds."""
    rate, margin = law.relaxation.attempt_rate, held().ageing.front_margin
    fronts = [
        float(law.relaxation.front(aged(0.0, s.time, s.temperature, rate))) + margin for s in cells
    ]
    cool = [f for f, s in zip(fronts, cells, strict=True) if s.temperature <= REFERENCE + 20.0]
    relaxation = dataclasses.replace(law.relaxation, front_limit=max(cool or fronts))
    if law.retention is None:
        return Ageing(relaxation)
    return Ageing(relaxation, dataclasses.replace(law.retention, front_limit=max(fronts)))


def relaxed(table: MeasurementTable) -> list[AgedCells]:
    """Cells of a "relaxation" table by nominal time; 25 degC. Early reads are left out."""
    time, before, after = table["time"], table["conductance_initial"], table["conductance"]
    nominal = table["time_point"] if "time_point" in table else _half_decades(time)
    return list(_by_label(nominal, time, before, after, "relaxation"))


def after_writes(table: MeasurementTable) -> list[AgedCells]:
    """Cells of a "verified_writes" table by half decade of time, from each write's last verify."""
    time = table["time_after"]
    conductance = 1.0 / table["resistance"]
    last = np.maximum.accumulate(np.where(time == 0.0, np.arange(len(time)), -1))
    if len(last) and last[0] < 0:
        raise FitError(Problem("the table does not begin with a verify", str(table.path)))
    inside = (table["resistance"] > table["window_low"]) & (
        table["resistance"] < table["window_high"]
    )
    good = inside[last] & (table["address"] == table["address"][last])
    before = conductance[last]
    return list(
        _by_label(
            _half_decades(time[good]), time[good], before[good], conductance[good], "after write"
        )
    )


def baked(table: MeasurementTable) -> list[AgedCells]:
    """Cells of a "bake" table by temperature; a cell's read at time 0 is the one before."""
    samples = []
    for temperature in np.unique(table["temperature"]):
        here = table["temperature"] == temperature
        address, time = table["address"][here], table["time"][here]
        conductance = table["conductance"][here]
        start, end = time == 0.0, time > 0.0
        _, first, second = np.intersect1d(address[start], address[end], return_indices=True)
        if not len(first):
            raise FitError(
                Problem(
                    "a bake without reads before and after",
                    str(table.path),
                    got=f"{temperature:.2f} K",
                    allowed="for each cell a row at time 0 and one later",
                )
            )
        samples.append(
            AgedCells(
                conductance[start][first],
                conductance[end][second],
                float(np.median(time[end])),
                float(temperature),
                f"bake {temperature - 273.15:.0f} °C",
            )
        )
    return samples


def _half_decades(time: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.where(time > 0.0, 10.0 ** (np.round(2.0 * np.log10(time)) / 2.0), 0.0)


def _by_label(
    nominal: Floats, time: Floats, before: Floats, after: Floats, what: str
) -> Iterator[AgedCells]:
    good = np.isfinite(before) & np.isfinite(after) & np.isfinite(time) & (before > 0) & (after > 0)
    for value in np.unique(nominal[good]):
        here = good & (nominal == value)
        middle = float(np.median(time[here]))
        if middle < held().ageing.earliest_read:
            continue
        yield AgedCells(before[here], after[here], middle, REFERENCE, f"{what} {value:.2g} s")


def results(
    law: Ageing, free: Sequence[str], outcome: Any, cells: Sequence[AgedCells]
) -> tuple[FitResult, ...]:
    """The fit as numbers of a cell file, with goodness and curves."""
    groups = group(cells, law.relaxation.full_scale)
    errors = uncertainties(law, free, outcome)
    goodness, curves = _goodness(law, groups), _curves(law, groups)
    where = f"{int(groups.count.sum())} reads of {len(cells)} times and temperatures"
    found = [
        FitResult(
            "relaxation",
            _numbers(law.relaxation, "relaxation", errors, cells),
            goodness,
            curves,
            where=where,
        )
    ]
    if law.retention is not None:
        numbers = _numbers(law.retention, "retention", errors, cells)
        found.append(FitResult("retention", numbers, goodness, where=where))
    return tuple(found)


_NOTES = {
    "attempt_rate": "typical phonon frequency; barriers count from it, so that it cannot be told",
    "full_scale": "conductance of the highest level, given with the data",
    "front_limit": f"last measured front and {held().ageing.front_margin:g} eV, what the held-out"
    " 220 degC bake spans",
    "verify_delay": "no relaxation was measured; as found on other technologies",
    "barrier": "no relaxation was measured: barriers taken as wide about 1.1 eV",
    "barrier_spread": "no relaxation was measured: barriers taken as wide about 1.1 eV",
}


def _numbers(
    law: Any, prefix: str, errors: Mapping[str, Any], cells: Sequence[AgedCells]
) -> tuple[FittedNumber, ...]:
    times = [sample.time for sample in cells]
    warmth = [sample.temperature for sample in cells]
    extent = {
        "time": (min(times), max(times), "s"),
        "temperature": (min(warmth), max(warmth), "K"),
    }
    numbers = []
    for name, (unit, _) in meanings(type(law)).items():
        path, value = f"{prefix}.{name}", getattr(law, name)
        if name in errors:
            numbers.append(FittedNumber(path, value, unit, errors[name], extent))
        elif name in _NOTES:
            kind = "derived" if name in ("full_scale", "front_limit") else "assumed"
            numbers.append(FittedNumber(path, value, unit, note=_NOTES[name], kind=kind))
        else:
            note = "states at which the profiles are given; a choice of the fit"
            numbers.append(FittedNumber(path, value, unit, note=note, kind="derived"))
    return tuple(numbers)


def _goodness(law: Ageing, groups: Groups) -> tuple[Goodness, ...]:
    below, mean, deviation = predicted(law, groups)
    score = np.clip(ndtri(np.clip(below, 1e-12, 1.0 - 1e-12)), -6.0, 6.0) - ndtri(PROBABILITIES)
    return (
        Goodness(
            "rms error of the normal score", float(np.sqrt(np.mean(score**2))), "1", score.size
        ),
        Goodness(
            "rms log error of the deviation",
            float(np.sqrt(np.mean(np.log(deviation / groups.deviation) ** 2))),
            "1",
            deviation.size,
        ),
        Goodness(
            "rms error of the mean in deviations",
            float(np.sqrt(np.mean(((mean - groups.mean) / groups.deviation) ** 2))),
            "1",
            mean.size,
        ),
    )


def _curves(law: Ageing, groups: Groups) -> tuple[Curve, ...]:
    """Deviation and mean of the change per eighth, one curve a condition."""
    _, mean, deviation = predicted(law, groups)
    curves = []
    for label in dict.fromkeys(groups.label):
        here = np.array([entry == label for entry in groups.label])
        state = (groups.eighth[here] + 0.5) / EIGHTHS
        panel = "bakes" if label.startswith("bake") else "relaxation"
        for what, data, model in (
            ("standard deviation", groups.deviation, deviation),
            ("mean", groups.mean, mean),
        ):
            curves.append(
                Curve(
                    f"{panel}: {what} of the change",
                    label,
                    "conductance / full scale",
                    f"{what} [uS]",
                    state,
                    data[here] * 1e6,
                    model[here] * 1e6,
                )
            )
    return tuple(curves)


__all__ = ["AgedCells", "after_writes", "baked", "eighths", "fit_ageing", "fit_law", "relaxed"]
