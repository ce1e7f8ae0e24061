"""Solutions of an array whose cells have a law or a selector, one vector after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.array.crosspoint import Array
from tantala.array.device import Device
from tantala.array.newton import NewtonSolver
from tantala.array.ramp import rise
from tantala.array.shorts import refuse_loops
from tantala.array.solution import Solution
from tantala.array.threads import one_blas_thread, side_by_side
from tantala.base.errors import InputError, Problem

Vector = NDArray[np.float64]


def newton_solver(array: Array, device: Device) -> NewtonSolver:
    """The solver of `array` with its `device`."""
    near, far = array.near_resistances(), array.far_conductances()
    return NewtonSolver(
        device, (array.row_wire, near[0], far[0]), (array.column_wire, near[1], far[1])
    )


def solve_nonlinear(
    array: Array,
    sources: tuple[Vector, Vector],
    tolerance: float,
    keep: bool,
    extrapolate: bool,
) -> Solution:
    """The solution under rows (N, K) and columns (M, K), V; see `CompiledArray.solve`."""
    device = array.device
    assert device is not None
    rows, ends = sources
    n, m = array.shape
    count = rows.shape[1]
    if len(device.shorts):
        wires = array.row_wire, array.column_wire
        refuse_loops(array.conductance, wires, array.near_resistances())
    solver = newton_solver(array, device)
    currents, row_currents = np.empty((m, count)), np.empty((n, count))
    residuals = np.empty(count)
    iterations, steps = np.zeros(count, np.int64), np.zeros(count, np.int64)
    shape = (n, m, count)
    kept = (np.empty(shape), np.empty(shape), np.empty(shape)) if keep else None
    on = np.empty(shape, np.bool_) if device.switches else None
    beyond: list[tuple[str, ...]] = [()] * count

    def one(k: int) -> None:
        given = rows[:, k].copy(), ends[:, k].copy(), tolerance
        if on is None:
            found = solver.solve(*given)
        else:
            found, on[:, :, k] = rise(solver, *given)
        point, answer = found.point, found.answer
        beyond[k] = device.check(point.volts, answer.across, extrapolate)
        cells = answer.current
        currents[:, k], row_currents[:, k] = cells.sum(axis=0), cells.sum(axis=1)
        residuals[k], iterations[k], steps[k] = found.residual, found.iterations, found.steps
        if kept is not None:
            for field, value in zip(kept, (point.words, point.bits, cells), strict=True):
                field[:, :, k] = value

    with one_blas_thread():
        side_by_side(one, range(count))
    return Solution(
        array,
        rows,
        ends,
        currents,
        row_currents,
        residuals,
        iterations,
        "newton",
        kept,
        steps,
        on,
        tuple(sorted({what for each in beyond for what in each})),
    )


def refuse_map(device: Device | None) -> None:
    """Raise InputError for an array that has no linear map."""
    if device is not None:
        raise InputError(
            Problem(
                "an array of nonlinear cells has no effective conductance",
                because="its currents are no linear function of its voltages",
                hint="solve(voltages), or an Array without cell and selector",
            )
        )
