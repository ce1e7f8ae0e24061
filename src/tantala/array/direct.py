"""Many vectors at once: down the tree of the dissection, then both planes relaxed once."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tantala.array.conjugate_gradient import LineSolver
from tantala.array.dissection import Dissection
from tantala.array.solution import Answers
from tantala.array.sweep_kernels import VECTORS, relax
from tantala.array.threads import side_by_side

Vector = NDArray[np.float64]
HELD = 256 * 2**20  # bytes of node voltages held while vectors go down the tree together


def solve_direct(
    tree: Dissection,
    lines: LineSolver,
    sources: tuple[Vector, Vector],
    tolerance: float,
    answers: Answers,
) -> None:
    """Fill `answers` for the vectors of rows (N, K) and columns (M, K), V.

    A vector whose residual is not below `tolerance`, nor a number, goes on by iteration. Raises
    ConvergenceError if that does not reach it.
    """
    count = sources[0].shape[1]
    groups = -(-count // VECTORS)
    held = min(groups, max(1, HELD // (8 * VECTORS * tree.conductance.size)))
    # All pages are got once: that takes as long as to fill them.
    planes = np.empty((held, *tree.conductance.shape, VECTORS))
    rooms = np.empty((min(held, numba.get_num_threads()), *planes.shape[1:]))
    scales = _scales(lines, *sources)

    def group(plane: Vector, room: Vector, where: slice) -> None:
        own = [np.ascontiguousarray(source[:, where]) for source in sources]
        _relax(lines, own, plane, room, scales[where], answers, where)
        for k in np.flatnonzero(~(answers.residuals[where] <= tolerance)):
            given = [np.ascontiguousarray(source[:, k]) for source in own]
            start = np.ascontiguousarray(room[:, :, k])
            usable = bool(np.isfinite(start).all())
            found = lines.solve(given[0], given[1], tolerance, start=start if usable else None)
            answers.put(where.start + int(k), lines.conductance, found)

    for first in range(0, groups, held):
        used = min(held, groups - first)
        some = slice(first * VECTORS, min((first + used) * VECTORS, count))
        tree.column_voltages(sources[0][:, some], sources[1][:, some], planes[:used])

        def task(room: int, first: int = first, used: int = used) -> None:
            for k in range(room, used, len(rooms)):
                begin = (first + k) * VECTORS
                group(planes[k], rooms[room], slice(begin, min(begin + VECTORS, count)))

        side_by_side(task, range(len(rooms)))


def _relax(
    lines: LineSolver,
    sources: list[Vector],
    volts: Vector,
    bits: Vector,
    scales: Vector,
    answers: Answers,
    where: slice,
) -> None:
    """Relax a group of vectors from bit planes `volts` to `bits`, and fill their `answers`."""
    count = where.stop - where.start
    rows, ends = (
        np.concatenate([source, np.zeros((len(source), VECTORS - count))], axis=1)
        for source in sources
    )
    words = np.empty_like(volts) if answers.kept else volts[:0]
    into, out, lack = np.empty_like(rows), np.empty_like(ends), np.empty(VECTORS)
    relax(
        lines.conductance,
        lines.words.kernel_arguments(),
        lines.bits.kernel_arguments(),
        (rows, ends),
        volts,
        bits,
        words,
        (into, out, lack),
    )
    answers.currents[:, where], answers.row_currents[:, where] = out[:, :count], into[:, :count]
    lacking = lack[:count] != 0.0  # also where it is not a number
    answers.residuals[where] = np.divide(lack[:count], scales, out=np.zeros(count), where=lacking)
    if answers.kept:
        answers.keep(where, words[:, :, :count], bits[:, :, :count], lines.conductance)


def _scales(lines: LineSolver, rows: Vector, ends: Vector) -> Vector:
    """Norms of the cell currents into grounded columns (K,), A; see `LineSolver.grounded`."""
    if ends.any():
        return np.array(
            [lines.grounded(rows[:, k].copy(), ends[:, k].copy())[2] for k in range(rows.shape[1])]
        )
    # Each row's currents are in proportion to its voltage.
    units = lines.word_voltages(np.ones(len(rows)), np.zeros_like(lines.conductance))
    units *= lines.conductance
    return np.sqrt(np.einsum("ij,ij->i", units, units) @ rows**2)
