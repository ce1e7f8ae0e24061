"""Approximate array models of the literature, as named comparisons with the exact answer.

None of them gives a result anywhere in this package. Each takes an ohmic array and row voltages and
returns its estimate of the column currents; `compare` prints their errors beside the exact answer.
Formulas are as their sources have them, in this package's geometry: row i driven at the left,
column j sensed at the bottom, i and j from 0, N rows and M columns. Where a source knows one wire
resistance r, a row's and a column's are used for its two directions; drivers and sense ends count
only where it is said. Numbers in the formulas are the sources' own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.bias import require_array
from tantala.array.crosspoint import Array
from tantala.base.errors import InputError, Problem, raise_if, unknown

if TYPE_CHECKING:
    import polars as pl

Vector = NDArray[np.float64]


def ideal(array: Array, voltages: Vector) -> Vector:
    """No wires: I_j = sum_i V_i G_ij."""
    return voltages @ array.conductance


def path_resistance(array: Array, voltages: Vector) -> Vector:
    """Each cell in series with the wire of its own path, currents not shared.

    R_cell + r (N + j - i + 1), drivers and sense ends added. Source: mnsim2.
    """
    rows, columns = array.shape
    path = (
        array.row_driver[:, None]
        + array.row_wire * (np.arange(columns) + 1)
        + array.column_wire * (rows - np.arange(rows))[:, None]
        + array.column_sense
    )
    return voltages @ (array.conductance / (1.0 + array.conductance * path))


def shared_path(array: Array, voltages: Vector) -> Vector:
    """As `path_resistance`, each segment counted once for every cell whose current it carries.

    All cells are taken to carry equal currents (model of Jeong). Source: crossbar_models.
    """
    rows, columns = array.shape
    along = array.row_wire * np.cumsum(np.arange(columns, 0, -1))
    # Segments below row i carry i + 1, i + 2, ..., N cells.
    down = array.column_wire * np.cumsum(np.arange(rows, 0, -1))[::-1]
    path = along + down[:, None]
    return voltages @ (array.conductance / (1.0 + array.conductance * path))


def separable(array: Array, voltages: Vector) -> Vector:
    """G_ij scaled by a factor a row and one a column, from mean conductances (model DMR).

    Source: crossbar_models.
    """
    rows, columns = array.shape
    row_mean, column_mean = array.conductance.mean(axis=1), array.conductance.mean(axis=0)
    i, j = np.arange(rows), np.arange(columns)
    above = np.maximum(i[:, None] - i, 0) @ row_mean
    after = np.maximum(j - j[:, None], 0) @ column_mean
    down = (1.0 + array.column_wire * above) / (
        1.0 + array.column_wire * float((rows - i) @ row_mean)
    )
    along = (1.0 + array.row_wire * after) / (1.0 + array.row_wire * float((j + 1) @ column_mean))
    return (voltages * down) @ array.conductance * along


def cubic_column(array: Array, voltages: Vector) -> Vector:
    """Ideal rows; a cubic in each column's load: I_j -= c_j sum_i V_i G_ij (1 - (1 - k_i / N)^2).

    c = 0.05 a^3 - 0.2 a^2 + 0.5 a, a_j = N r sum_i |G_ij x_i|, x the voltages over the largest of
    them. k_i counts cells from the sense end, where the drop is least; the source's text numbers
    them from the other end, against its formula. Source: aihwkit_ir_drop.
    """
    rows = array.shape[0]
    largest = float(np.abs(voltages).max())
    if largest == 0.0:
        return np.zeros(array.shape[1])
    load = rows * array.column_wire * (np.abs(voltages) / largest) @ array.conductance
    drop = load * (load * (0.05 * load - 0.2) + 0.5)
    away = np.arange(rows)[::-1] / rows
    return voltages @ array.conductance - drop * (
        (voltages * (1.0 - (1.0 - away) ** 2)) @ array.conductance
    )


def columns_only(array: Array, voltages: Vector) -> Vector:
    """Row wires taken as ideal, columns exact: the assumption behind one ladder a column."""
    return replace(array, row_wire=0.0).compile().solve(voltages, nodes=False).currents


def linear_row(array: Array, voltages: Vector) -> Vector:
    """G_ij scaled by 1 - r V_i sum_j(G_ij) j / (M - 1), held between 0 and 1.

    The factor has the dimension of a voltage: kept as published, V in volts. Source: analogsim.
    """
    columns = array.shape[1]
    along = np.arange(columns) / max(columns - 1, 1)
    total = array.conductance.sum(axis=1, keepdims=True)
    factor = 1.0 - array.row_wire * voltages[:, None] * total * along
    return voltages @ (array.conductance * np.clip(factor, 0.0, 1.0))


@dataclass(frozen=True)
class Approximation:
    """A model by `name`: its function, what it assumes, and its source's key in the library.

    No source: a limit of the exact model, not a published one.
    """

    name: str
    currents: Callable[[Array, Vector], Vector]
    assumes: str
    source: str


APPROXIMATIONS = {
    one.name: one
    for one in (
        Approximation("ideal", ideal, "no wires", ""),
        Approximation("path_resistance", path_resistance, "no shared current", "mnsim2"),
        Approximation("shared_path", shared_path, "equal cell currents", "crossbar_models"),
        Approximation("separable", separable, "a factor a line, mean cells", "crossbar_models"),
        Approximation("cubic_column", cubic_column, "ideal rows, cubic", "aihwkit_ir_drop"),
        Approximation("columns_only", columns_only, "ideal rows, exact columns", ""),
        Approximation("linear_row", linear_row, "wrong dimension", "analogsim"),
    )
}


@dataclass(frozen=True)
class Comparison:
    """Column currents by each model and exactly, (M,) A. `str()` prints the errors."""

    exact: Vector
    estimates: dict[str, Vector]
    residual: float

    def errors(self, name: str) -> Vector:
        """Relative error of a model's column currents, (M,)."""
        return self.estimates[name] / self.exact - 1.0

    def table(self) -> pl.DataFrame:
        """One row a model: its total current against the exact one, and its errors a column."""
        import polars as pl

        total = float(self.exact.sum())
        return pl.DataFrame(
            [
                {
                    "model": name,
                    "total_current_A": float(found.sum()),
                    "total_error": float(found.sum()) / total - 1.0,
                    "largest_error": float(np.abs(self.errors(name)).max()),
                    "mean_error": float(np.abs(self.errors(name)).mean()),
                    "assumes": APPROXIMATIONS[name].assumes,
                    "source": APPROXIMATIONS[name].source,
                }
                for name, found in self.estimates.items()
            ]
        )

    def __str__(self) -> str:
        lines = [
            f"exact: {self.exact.sum():.6g} A in all columns, residual {self.residual:.1e}",
            f"{'model':<16} {'total':>10} {'largest':>10} {'mean error':>11}  assumes; source",
        ]
        for row in self.table().iter_rows(named=True):
            lines.append(
                f"{row['model']:<16} {row['total_error']:>+10.2%} {row['largest_error']:>10.2%}"
                f" {row['mean_error']:>11.2%}  {row['assumes']}; {row['source'] or 'a limit'}"
            )
        return "\n".join(lines)


def compare(
    array: Array, voltages: ArrayLike, names: tuple[str, ...] = tuple(APPROXIMATIONS)
) -> Comparison:
    """Approximate column currents beside the exact ones, rows at `voltages` [V] (N,), columns at 0.

    Raises InputError for unknown names, cells that are not ohmic, driven far ends, floating lines,
    or columns without current, for which no relative error exists.
    """
    require_array(array)
    problems = [
        unknown("approximation", n, APPROXIMATIONS) for n in names if n not in APPROXIMATIONS
    ]
    if np.isfinite(array.row_far).any() or np.isfinite(array.column_far).any():
        problems.append(
            Problem(
                "approximations know lines driven at one end", allowed="row_far, column_far inf"
            )
        )
    raise_if(problems)
    answer = array.compile().solve(voltages, nodes=True)
    if answer.rows.ndim != 1:
        problems.append(Problem("one vector at a time is compared", got=str(answer.rows.shape)))
    elif not np.allclose(
        answer.cell_currents, array.conductance * answer.cell_voltages, rtol=1e-6, atol=0.0
    ):
        problems.append(Problem("approximations know ohmic cells only"))
    elif not np.all(answer.currents != 0.0):
        problems.append(
            Problem(
                "a column without current has no relative error",
                got=f"column {int(np.argmin(np.abs(answer.currents)))}",
            )
        )
    raise_if(problems, InputError)
    estimates = {n: APPROXIMATIONS[n].currents(array, answer.rows) for n in names}
    return Comparison(answer.currents, estimates, float(answer.residual))
