"""Control of the tail method: count sampled cells beyond a threshold, where counting is possible.

The cells come from `Cell.sample`, are written by the design's own scheme, cycled and aged; the
computed share is the level's tail at the same age. Both rest on the same laws but share no code
beyond them: one draws, the other integrates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from tantala.cell.write_scheme import Scheme
from tantala.report.figures import TailCheck
from tantala.report.notation import storage_time, written

if TYPE_CHECKING:
    from tantala.cell import Cell, Population
    from tantala.cell.levels import LevelDistribution
    from tantala.macro.design import Design
    from tantala.report.aged_levels import AgedLevels

STATES: tuple[Literal["low", "high"], ...] = ("low", "high")
_CELLS = 20_000
_SOON = 3600.0  # s; sooner, the verify itself still bounds the level and there is no tail to count
_SHARES = (1e-2, 1e-3)  # computed shares at which the thresholds are put


def two_sided(count: int, trials: int, probability: float) -> float:
    """Chance that a binomial count lies at least as far out as `count`: twice the smaller tail.

    Exact (regularised incomplete beta function), at most 1.
    """
    below = bdtr(count, trials, probability)
    above = bdtrc(count - 1, trials, probability) if count else 1.0
    return float(min(1.0, 2.0 * min(below, above)))


def controls(cell: Cell, levels: AgedLevels, design: Design) -> tuple[TailCheck, ...]:
    """Counted against computed for both states, an hour old and after the stated retention."""
    time, kelvin, _ = levels.stated
    checks: list[TailCheck] = []
    for state in STATES:
        cells = cell.sample(_CELLS, seed=design.seed)
        passed = _write(cells, state, design.write.scheme)
        for seconds, temperature in ((_SOON, levels.room), (time, kelvin)):
            aged = cells.copy()
            aged.wait(seconds, temperature, extrapolate=True)
            level = cell.levels(
                state,
                time=seconds,
                temperature=temperature,
                scheme=design.write.scheme,
                sensed=False,
                resolution=0.5,
                extrapolate=True,
            )
            condition = f"{storage_time(seconds)} at {written(temperature, 'K')}"
            now = np.asarray(aged.conductance, np.float64)[passed]
            checks += [_control(state, condition, level, now, share) for share in _SHARES]
    return tuple(checks)


def _write(cells: Population, state: str, scheme: str) -> NDArray[np.bool_]:
    """Write every cell to `state` over the other one; which cells passed their verify."""
    settings = Scheme.of(cells.cell, scheme).settings
    windows = {
        "low": (settings.low_resistance_verify, np.inf),
        "high": (0.0, settings.high_resistance_verify),
    }
    other = "high" if state == "low" else "low"
    cells.write_verify(*windows[other], scheme=scheme)
    return cells.write_verify(*windows[state], scheme=scheme).ok


def _control(
    state: Literal["low", "high"],
    condition: str,
    level: LevelDistribution,
    conductance: np.ndarray,
    share: float,
) -> TailCheck:
    if state == "low":
        threshold = float(level.quantile(share))
        counted = int(np.count_nonzero(conductance < threshold))
        expected = float(level.below(threshold))
    else:
        threshold = float(level.upper_quantile(share))
        counted = int(np.count_nonzero(conductance > threshold))
        expected = float(level.above(threshold))
    trials = len(conductance)
    return TailCheck(
        state=state,
        condition=condition,
        threshold_S=threshold,
        cells=trials,
        counted=counted,
        expected=expected * trials,
        probability=two_sided(counted, trials, expected),
    )
