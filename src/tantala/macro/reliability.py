"""What sensing must reach into the cells' tails, and what it still gets wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tantala.base.errors import InputError, Problem
from tantala.macro.bit_cell import Levels
from tantala.macro.blocks import Blocks
from tantala.macro.coding import log_word_failure
from tantala.macro.constants import Read
from tantala.macro.levels import misread
from tantala.macro.setting import Setting
from tantala.technology.broadcast import maximum


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Rates of one condition.

    Attributes:
        low_resistance, high_resistance: misread cells of each state, failed cells apart.
        worn: cells that wear has stuck in the low-resistance state.
        unwritten: other cells that wrote when new and that no pulse writes any more.
        raw: bit errors for data of as many zeros as ones.
        word_failure, uber: words beyond the code, and that per data bit.
    """

    low_resistance: float
    high_resistance: float
    worn: float
    unwritten: float
    raw: float
    word_failure: float
    uber: float


def reach(
    levels: Levels, read: Read, allowed_error: float, name: str
) -> tuple[float, float, float]:
    """Conductances which sensing must tell apart (S), and the share of cells beyond them.

    Sensing may use a stated share of the raw errors which the code can bear. Where the levels are
    too close for that, more cells are given up until the tails keep a least contrast: a reading
    time then exists, and the error rate says by how much the requirement is missed.

    Raises:
        InputError: even the bodies of the two distributions are too close.
    """
    low, high = math.log(max(read.error_share * allowed_error, 1e-250)), math.log(0.4)

    def contrast(log_p: float) -> float:
        p = math.exp(log_p)
        g_low, g_high = levels.low.low_tail(p), levels.high.high_tail(p)
        return (g_low - g_high) / (g_low + g_high)

    if contrast(high) < read.least_contrast:
        raise InputError(_no_window(name, levels))
    if contrast(low) < read.least_contrast:
        for _ in range(60):
            middle = 0.5 * (low + high)
            if contrast(middle) < read.least_contrast:
                low = middle
            else:
                high = middle
        low = high
    tail = math.exp(low)
    return levels.low.low_tail(tail), levels.high.high_tail(tail), tail


def _no_window(name: str, levels: Levels) -> Problem:
    medians = f"{levels.low.low_tail(0.5):.3g} and {levels.high.low_tail(0.5):.3g} S"
    return Problem(
        "the two states of the cell cannot be told apart at the end of life",
        name,
        f"medians {medians}",
        hint="a shorter or cooler retention, fewer cycles, another cell or write scheme",
    )


def shortcomings(setting: Setting, blocks: Blocks, name: str) -> list[Problem]:
    """Why a macro cannot be built or read under these conditions; empty if it can."""
    where = f"{name} at {setting.process.corner}, {setting.process.temperature:g} K"
    column, problems = blocks.column, []
    limit = setting.process.io.parameters.maximum_voltage
    needed = float(maximum(column.set_supply, column.reset_supply))
    if needed > limit * (1.0 + 1e-9):
        problems.append(
            Problem(
                "the write drivers need more voltage than the devices bear",
                where,
                f"{needed:.3g} V",
                f"{limit:.3g} V",
                hint="shorter bit lines, or a technology with higher I/O voltage",
            )
        )
    if not column.time.usable > 0.0:
        problems.append(
            Problem(
                "the sense amplifiers cannot tell the two states apart",
                where,
                f"tails of {float(column.currents.low_resistance):.3g} and "
                f"{float(column.currents.high_resistance):.3g} A at an offset of "
                f"{float(column.offset):.3g} A",
                hint="a stronger code, a wider window or shorter bit lines",
            )
        )
    return problems


def error_rates(setting: Setting, blocks: Blocks, levels: Levels) -> ErrorRates:
    """Error rates of reading cells with `levels` in the macro of `blocks`.

    A cell that failed in use is stuck in one state, so it is wrong for half of the data. No test
    has replaced it, so words have as many as chance gives them: over words, that is the binomial
    law of an error more in each bit, and they enter the raw rate beside the misread cells. Cells
    that were stuck when new were there at test, see `log_word_failure`.
    """
    column = blocks.column
    p_low, p_high = misread(
        levels.low,
        levels.high,
        setting.cell.read_voltage,
        float(column.currents.reference),
        float(maximum(column.time.usable, 0.0)),
        float(column.offset),
        column.paths,
        float(column.mux.read_resistance),
    )
    sound = 1.0 - min(levels.failed, 1.0)
    raw = 0.5 * (sound * (p_low + p_high) + levels.failed)
    log_raw = math.log(raw) if raw > 0.0 else -math.inf
    failure = math.exp(log_word_failure(setting.code, log_raw, setting.cell.stuck))
    return ErrorRates(
        sound * p_low,
        sound * p_high,
        levels.worn,
        levels.unwritten,
        raw,
        failure,
        failure / setting.code.data_bits,
    )
