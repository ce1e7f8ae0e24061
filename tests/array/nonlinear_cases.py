"""Arrays and drives that tests of nonlinear arrays share."""

from __future__ import annotations

import numpy as np


def states(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    low = rng.random((rows, columns)) < 0.5
    return np.where(low, 1e-4, 5e-6) * rng.uniform(0.8, 1.2, (rows, columns))


def half_select(rows, columns, drive):
    """Row and column voltages of V/2 biasing, the far corner selected."""
    row, column = np.full(rows, drive / 2), np.full(columns, drive / 2)
    row[0], column[-1] = drive, 0.0
    return row, column
