"""Fit of endurance: the window of cells cycled at different compliances, and one long trace.

A cell's life ends at the first of five checks in a row whose window R after RESET / R after SET is
below 2. Lives are Weibull with a scale that falls exponentially with the word line; a cell that
lives at the last check is censored, one that is dead at the first check died before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tantala.base.errors import FitError, Problem
from tantala.cell.fit.held import held
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness
from tantala.cell.fit.tables import MeasurementTable

Array = NDArray[np.float64]
WINDOW = held().endurance.window
LOSSES = round(held().endurance.losses)
LIFE_VOLTAGE = held().endurance.life_voltage  # V
SMALLEST_SHAPE = held().endurance.smallest_shape
WEAR_ONSET = held().endurance.wear_onset  # cycles
PARTS = 8  # of a cell's life, equal in log cycles


@dataclass(frozen=True)
class Life:
    """One cell: address, word line [V], last check with a window, first without (inf if never)."""

    address: int
    wordline: float
    lived: float
    dead: float


def lives_of(table: MeasurementTable) -> list[Life]:
    """The lives in a table of kind ``endurance``."""
    lives = []
    for address in np.unique(table["address"]):
        rows = table["address"] == address
        cycles = table["cycles"][rows]
        after = np.char.upper(table["after"][rows].astype(str))
        resistance = table["resistance"][rows]
        low = dict(zip(cycles[after == "SET"], resistance[after == "SET"], strict=True))
        high = dict(zip(cycles[after == "RESET"], resistance[after == "RESET"], strict=True))
        checks = np.array(sorted(low.keys() & high.keys()))
        if len(checks) < LOSSES:
            continue
        lost = np.array([high[c] / low[c] < WINDOW for c in checks])
        runs = np.convolve(lost, np.ones(LOSSES, int), "valid") == LOSSES
        wordline = float(table["wordline_set"][rows][0])
        if not runs.any():
            lives.append(Life(int(address), wordline, float(checks[-1]), np.inf))
            continue
        first = int(np.argmax(runs))
        before = float(checks[first - 1]) if first else 0.0
        lives.append(Life(int(address), wordline, before, float(checks[first])))
    return lives


def fit_endurance(table: MeasurementTable, trace: MeasurementTable | None = None) -> FitResult:
    """Fit `EnduranceLaw` to a table of kind ``endurance`` and a cycling trace of one cell.

    Raises FitError when no cell dies, or all die, or they share one word line.
    """
    lives = lives_of(table)
    died = sum(np.isfinite(life.dead) for life in lives)
    if died < 2 or len({life.wordline for life in lives}) < 3:
        raise FitError(
            Problem(
                "lives that do not hold an endurance law",
                str(table.path),
                got=f"{died} deaths among {len(lives)} cells",
                allowed="2 or more deaths, at 3 or more word lines",
            )
        )
    wordline = np.array([life.wordline for life in lives])
    lived = np.array([life.lived for life in lives])
    dead = np.array([life.dead for life in lives])

    def likelihood(x: Array) -> float:
        scale = 10.0 ** (x[0] - (wordline - LIFE_VOLTAGE) / np.exp(x[1]))
        shape = SMALLEST_SHAPE + np.exp(np.clip(x[2], -8.0, 3.0))
        survived = np.exp(-((lived / scale) ** shape))
        gone = np.where(np.isfinite(dead), np.exp(-((dead / scale) ** shape)), 0.0)
        return -float(np.sum(np.log(np.maximum(survived - gone, 1e-12))))

    fits = [
        minimize(
            likelihood,
            np.array([start, np.log(scale), 0.0]),
            method="Nelder-Mead",
            options={"maxiter": 4000, "xatol": 1e-5, "fatol": 1e-6},
        )
        for start in (7.0, 8.0, 9.0)
        for scale in (0.2, 0.35)
    ]
    fit = min(fits, key=lambda found: float(found.fun))
    errors = _errors(likelihood, fit.x)
    life, scale = float(10.0 ** fit.x[0]), float(np.exp(fit.x[1]))
    shape = SMALLEST_SHAPE + float(np.exp(np.clip(fit.x[2], -8.0, 3.0)))
    extent = {
        "wordline": (float(wordline.min()), float(wordline.max()), "V"),
        "cycles": (1.0, float(np.max(table["cycles"])), "1"),
    }
    numbers = [
        FittedNumber(
            "endurance.life", life, "1", float(life * np.log(10.0) * errors[0]), extent
        ),
        FittedNumber("endurance.life_voltage_scale", scale, "V", scale * errors[1], extent),
        FittedNumber(
            "endurance.life_shape", shape, "1", (shape - SMALLEST_SHAPE) * errors[2], extent,
            f"{SMALLEST_SHAPE:g} or more: wear-out, whose hazard grows; few lives alone give less",
        ),
    ]  # fmt: skip
    curves = [_life_curve(lives, life, scale)]
    traces = _living(table, lives)
    if trace is not None:
        log_high = np.log(trace["resistance_high"])
        traces.append(_Trace("one cell", np.asarray(trace["cycle"], float), log_high))
    if traces:
        worn, shown = _wear(traces)
        numbers += worn
        curves += shown
    return FitResult(
        law="endurance",
        numbers=tuple(numbers),
        goodness=(
            Goodness("mean log likelihood of a life", -fit.fun / len(lives), "1", len(lives)),
        ),
        curves=tuple(curves),
        where=f"window below {WINDOW:g} in {LOSSES} checks in a row",
    )


def _errors(likelihood: Callable[[Array], float], x: Array) -> Array:
    step = 0.05
    hessian = np.empty((len(x), len(x)))
    for i in range(len(x)):
        for j in range(len(x)):
            total = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                at = x.copy()
                at[i] += a * step
                at[j] += b * step
                total += a * b * likelihood(at)
            hessian[i, j] = total / (4.0 * step * step)
    return np.sqrt(np.maximum(np.diag(np.linalg.pinv(hessian)), 0.0))


def _life_curve(lives: list[Life], life: float, scale: float) -> Curve:
    volts = np.array([entry.wordline for entry in lives])
    shown = np.array([e.dead if np.isfinite(e.dead) else e.lived for e in lives])
    grid = np.linspace(volts.min(), volts.max(), 60)
    return Curve(
        "life against compliance (a cell alive at the last check is drawn there)",
        "characteristic life", "word line of SET [V]", "cycles", volts, shown,
        life * 10.0 ** (-(grid - LIFE_VOLTAGE) / scale), grid, y_log=True,
    )  # fmt: skip


@dataclass(frozen=True)
class _Trace:
    """The high state of one cell against cycles."""

    label: str
    cycle: Array
    log_high: Array


def _wear(traces: list[_Trace]) -> tuple[list[FittedNumber], list[Curve]]:
    """Fall of ln R after RESET and widening a decade: the median over cells of their lines."""
    slopes, curves = [], []
    for trace in traces:
        decades = np.log10(1.0 + trace.cycle / WEAR_ONSET)
        edges = np.linspace(decades.min(), decades.max() + 1e-9, PARTS + 1)
        part = np.digitize(decades, edges) - 1
        rows = [np.flatnonzero(part == k) for k in range(PARTS)]
        rows = [at for at in rows if len(at) >= 8]
        if len(rows) < 3:
            continue
        x = np.array([np.mean(decades[at]) for at in rows])
        middle = np.array([np.median(trace.log_high[at]) for at in rows])
        width = np.array(
            [0.5 * np.diff(np.quantile(trace.log_high[at], (0.16, 0.84)))[0] for at in rows]
        )
        weight = np.sqrt([len(at) for at in rows])
        slope, level = np.polyfit(x, middle, 1, w=weight)
        widening, _ = np.polyfit(x, np.log(width), 1, w=weight)
        # The law widens linearly: the same factor over two decades.
        slopes.append((-slope, 0.5 * np.expm1(2.0 * widening)))
        curves.append(
            Curve(
                "high state against cycles, cell by cell",
                trace.label,
                "cycles",
                "R after RESET [ohm]",
                WEAR_ONSET * (10.0**x - 1.0),
                np.exp(middle),
                np.exp(level + slope * x),
                x_log=True,
                y_log=True,
            )
        )
    fall, widening = (float(value) for value in np.median(slopes, axis=0))
    error = 1.25 * np.std(slopes, axis=0) / np.sqrt(max(len(slopes) - 1, 1))
    extent = {"cycles": (1.0, float(max(trace.cycle.max() for trace in traces)), "1")}
    note = f"median over {len(slopes)} cells, each its own line"
    numbers = [
        FittedNumber("endurance.high_fall", fall, "1", float(error[0]), extent, note),
        # The spread may not shrink with wear.
        FittedNumber("endurance.high_widening", max(widening, 0.0), "1", float(error[1]),
                     extent, note),
    ]  # fmt: skip
    return numbers, curves


def _living(table: MeasurementTable, lives: list[Life]) -> list[_Trace]:
    """The high state of the cells that outlived the measurement."""
    traces = []
    for life in lives:
        if np.isfinite(life.dead):
            continue
        after = np.char.upper(table["after"].astype(str))
        rows = (table["address"] == life.address) & (after == "RESET")
        cycle = np.asarray(table["cycles"][rows], float)
        if len(cycle) >= 40:
            high = np.log(table["resistance"][rows])
            traces.append(_Trace(f"word line {life.wordline:g} V", cycle, high))
    return traces
