"""How a current or a voltage of an array moves with the conductance of each cell.

With A the nodal matrix and w_p the difference of the two nodes of cell p, a current or voltage that
is c . x of the node voltages x has

    d(c . x) / dG_p = -(w_p . y) (w_p . x),      A y = c:

minus the product of the cell's voltages in the solution and in the adjoint solution y. Of cells
that are not ohmic the adjoint is that of their chord conductances I / V: a direction to search in,
not a derivative. In gated arrays p is a cell without its transistor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.array.crosspoint import Array
from tantala.array.gated_solution import GatedSolution
from tantala.array.solution import Solution

Vector = NDArray[np.float64]


def chord_array(answer: Solution) -> Array:
    """The ohmic array with the currents of `answer`: itself, where its cells are ohmic."""
    array = answer.array
    volts = answer.cell_voltages
    still = volts == 0.0
    chord = np.where(still, array.conductance, answer.cell_currents / np.where(still, 1.0, volts))
    return Array(
        np.maximum(chord, 0.0),
        array.row_wire,
        array.column_wire,
        array.row_driver,
        array.row_far,
        array.column_sense,
        array.column_far,
    )


def sensed_adjoint(answer: Solution | GatedSolution, column: int) -> Vector:
    """Adjoint cell voltages (N, M) of the current out of `column`.

    By reciprocity they are those under one volt behind its sense end, all other sources at 0.
    """
    source = np.zeros(answer.array.shape[1])
    source[column] = 1.0
    if isinstance(answer, GatedSolution):
        return answer.array.solve(answer.gates, 0.0, source).cell_voltages
    ready = chord_array(answer).compile()
    return ready.solve(np.zeros(answer.array.shape[0]), source).cell_voltages


def cell_adjoint(answer: Solution | GatedSolution, row: int, column: int) -> Vector:
    """Adjoint cell voltages (N, M), V/A, of the voltage across the cell at (row, column).

    They are the voltages of one ampere into its row and out of its column. No such source is
    needed: with d added to the cell's conductance its voltage V falls to V', and all cell voltages
    by d V' times the wanted ones.
    """
    array: Any = answer.array if isinstance(answer, GatedSolution) else chord_array(answer)
    added = array.conductance[row, column] or array.conductance.max()
    conductance = array.conductance.copy()
    conductance[row, column] += added
    loaded = replace(array, conductance=conductance)
    if isinstance(answer, GatedSolution):
        other = loaded.solve(answer.gates, answer.sources, answer.bits).cell_voltages
    else:
        other = loaded.compile().solve(answer.rows, answer.columns).cell_voltages
    return (answer.cell_voltages - other) / (added * other[row, column])
