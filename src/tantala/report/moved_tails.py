"""How a changed cell moves the tails of its levels, without computing whole levels again.

The tail on the side of misreading is moved by the difference of its normal score between the
changed and the present cell, taken at a few conductances with the same draws on both sides and the
same quadrature, and interpolated between them. Read noise widens a tail whose score rises by k per
unit of ln G like a normal of relative deviation r: score / sqrt(1 + k^2 r^2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from tantala.cell.ageing import ageing_of
from tantala.cell.levels import aged_score, written_level
from tantala.cell.relaxation import aged
from tantala.report.figures import Array

if TYPE_CHECKING:
    from tantala.cell import Cell
    from tantala.macro.bit_cell import Levels
    from tantala.macro.levels import Level
    from tantala.macro.macro import Macro

_SHARES = (0.3, 1e-2, 1e-4, 1e-7, 1e-11, 1e-16)  # where a tail is probed
_WRITTEN = 1000  # cells written to find the start of a level


class MovedTails:
    """The levels of one macro's cell at the end of life, and how a changed cell moves them."""

    def __init__(self, macro: Macro, cell: Cell) -> None:
        need = macro.design.requirements
        self._life = (need.retention.time, need.retention.temperature, need.endurance)
        self._scheme = macro.design.write.scheme
        levels = macro.cell.aged
        self._probes = {
            "low": np.array(sorted(levels.low.low_tail(share) for share in _SHARES)),
            "high": np.array(sorted(levels.high.high_tail(share) for share in _SHARES)),
        }
        self._cell = cell
        self._present = {state: self._score(cell, cell, state) for state in self._probes}

    def _score(self, writing: Cell, cell: Cell, state: str) -> Array:
        """Scores at the probes of a level written to cell `writing` and aged as `cell`."""
        time, kelvin, cycles = self._life
        start, _ = written_level(
            writing, state, self._scheme, cycles, cells=_WRITTEN, backend="numba"
        )
        law = ageing_of(cell)
        age = float(aged(0.0, time, kelvin, law.relaxation.attempt_rate))
        return aged_score(start, law, age, self._probes[state])

    def moved(self, levels: Levels, cell: Cell, law: str) -> Levels:
        """`levels` (those of the present cell) as the changed `cell` has them; `law` is changed."""
        if law == "noise":
            low, high = (self._noisier(level, cell) for level in (levels.low, levels.high))
            return replace(levels, low=low, high=high)
        # Laws of ageing leave what was written as it is, and with it the sample of the present
        # cell.
        writing = self._cell if law in ("relaxation", "retention") else cell
        low = _shifted(levels.low, self._probes["low"], self._change(writing, cell, "low"))
        high = _shifted(levels.high, self._probes["high"], self._change(writing, cell, "high"))
        worn = levels.worn
        if law == "endurance" and cell.endurance is not None:
            gate = cell.nominal.set_wordline
            worn = float(cell.endurance.stuck_fraction(self._life[2], gate))
        return replace(levels, low=low, high=high, worn=worn)

    def _change(self, writing: Cell, cell: Cell, state: str) -> Array:
        change = self._score(writing, cell, state) - self._present[state]
        return np.where(np.isfinite(change), change, 0.0)

    def _noisier(self, level: Level, cell: Cell) -> Level:
        score = _score_of(level)
        rise = np.gradient(score, level.log_g)
        conductance = np.exp(level.log_g)
        before, after = (
            np.asarray(c.law("noise").relative_deviation(conductance)) for c in (self._cell, cell)
        )
        # `level` is with the present noise: its own rise k0 is k / sqrt(1 + k^2 r0^2).
        unread = rise**2 / np.maximum(1.0 - (rise * before) ** 2, 0.05)
        ratio = np.sqrt((1.0 + unread * before**2) / (1.0 + unread * after**2))
        return _with_score(level, score * ratio)


def _score_of(level: Level) -> Array:
    low, high = level.log_below, level.log_above
    return np.where(low < high, ndtri_exp(low), -ndtri_exp(high))


def _with_score(level: Level, score: Array) -> Level:
    rising = np.maximum.accumulate(score)
    return replace(level, log_below=log_ndtr(rising), log_above=log_ndtr(-rising))


def _shifted(level: Level, probes: Array, change: Array) -> Level:
    moved = np.interp(level.log_g, np.log(probes), change)
    return _with_score(level, np.clip(_score_of(level), -38.0, 38.0) + moved)
