"""Curves of a table of SET pulses: probability of switching, resistance after it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tantala.cell.fit.result import Curve
from tantala.cell.fit.set_moments import LOG_SET, REFERENCE, Array, Rows, conditions

Simulate = Callable[[Rows], Array]
_STRONG = 2.0  # V on the bit line: every cell switches
_FINE = 41  # points of a model's line


def largest_miss(rows: Rows, simulated: Array) -> tuple[float, int]:
    """Largest error of the switching probability, and over how many conditions of 50 rows."""
    measured = np.log(rows["resistance_after"])
    at = [r for *_, r in conditions(rows) if len(r) >= 50]
    misses = [abs(np.mean(simulated[r] < LOG_SET) - np.mean(measured[r] < LOG_SET)) for r in at]
    return float(max(misses, default=0.0)), len(at)


def curves(rows: Rows, simulate: Simulate) -> tuple[Curve, ...]:
    """Data against model, the model on a fine grid; `simulate` gives ln R after rows' pulses."""
    return (*_probability_curves(rows, simulate), *_compliance_curves(rows, simulate))


def _probability_curves(rows: Rows, simulate: Simulate) -> list[Curve]:
    measured, drawn = np.log(rows["resistance_after"]), []
    for volts in np.unique(rows["bitline"])[:4]:
        at = [c for c in conditions(rows) if c[0] == volts and len(c[2])]
        if not at:
            continue
        open_cells = np.concatenate([r for *_, r in at])
        widths = np.geomspace(at[0][1], at[-1][1], _FINE)
        simulated = [simulate(_with(rows, open_cells, "pulse_width", width)) for width in widths]
        drawn.append(
            Curve(
                "probability of SET",
                f"bit line {volts:g} V",
                "pulse width [s]",
                "P(R < 20 kohm)",
                np.array([w for _, w, _ in at]),
                np.array([np.mean(measured[r] < LOG_SET) for _, _, r in at]),
                np.array([np.mean(log_r < LOG_SET) for log_r in simulated]),
                model_x=widths,
                x_log=True,
            )
        )
    return drawn


def _compliance_curves(rows: Rows, simulate: Simulate) -> list[Curve]:
    """Of the bit lines at which every cell switches, or else of the highest there is."""
    strong = min(_STRONG, float(rows["bitline"].max()))
    wide = (rows["bitline"] >= strong) & (rows["resistance_before"] > 0.5 * REFERENCE)
    measured, gates = np.log(rows["resistance_after"]), np.unique(rows["wordline"][wide])
    if not len(gates):
        return []
    fine = np.linspace(gates[0], gates[-1], _FINE)
    simulated = [simulate(_with(rows, np.flatnonzero(wide), "wordline", gate)) for gate in fine]
    found = [measured[wide & (rows["wordline"] == gate)] for gate in gates]
    return [
        Curve(
            f"resistance after SET against compliance, bit line {strong:g} V and above",
            label,
            "word line [V]",
            "R [ohm]",
            gates,
            np.exp([np.quantile(log_r, level) for log_r in found]),
            np.exp([np.quantile(log_r, level) for log_r in simulated]),
            model_x=fine,
            y_log=True,
        )
        for level, label in ((0.05, "5 %"), (0.5, "median"), (0.95, "95 %"))
    ]


def _with(rows: Rows, at: NDArray[np.intp], name: str, value: float) -> Rows:
    """The rows `at` with one column set to `value`."""
    chosen = {key: column[at] for key, column in rows.items()}
    return {**chosen, name: np.full(len(at), value)}
