"""An independent answer to an array of nonlinear cells: dense nodal Newton, plain scalar laws."""

from __future__ import annotations

import math

import numpy as np
import scipy.optimize

LARGEST_MOVE = 0.05  # V a step


def sinh_current(scale, rate, volts):
    return scale * math.sinh(rate * volts)


def series_current(selector_volts, cell_volts, volts):
    """Current through two elements given as V(I), by bisection on the current's logarithm."""
    if volts == 0.0:
        return 0.0

    def missing(exponent):
        current = math.exp(exponent)
        return selector_volts(current) + cell_volts(current) - abs(volts)

    exponent = scipy.optimize.brentq(missing, -230.0, 5.0, xtol=1e-15, rtol=1e-15, maxiter=500)
    return math.copysign(math.exp(exponent), volts)


def dense_wires(array, rows, columns):
    """Matrix (S) and right side (A) of the wires and sources, row nodes before column nodes."""
    n, m = array.shape
    size = n * m
    matrix, right = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)

    def connect(a, b, ohm):
        for one, other in ((a, b), (b, a)):
            matrix[one, one] += 1 / ohm
            matrix[one, other] -= 1 / ohm

    def drive(a, ohm, volts):
        if math.isfinite(ohm):
            matrix[a, a] += 1 / ohm
            right[a] += volts / ohm

    for k in range(size):
        if k % m:
            connect(k - 1, k, array.row_wire)
        if k >= m:
            connect(size + k - m, size + k, array.column_wire)
    for i in range(n):
        drive(i * m, array.row_wire + array.row_driver[i], rows[i])
        drive(i * m + m - 1, array.row_wire + array.row_far[i], rows[i])
    for j in range(m):
        drive(size + (n - 1) * m + j, array.column_wire + array.column_sense[j], columns[j])
        drive(size + j, array.column_wire + array.column_far[j], columns[j])
    return matrix, right


def dense_solution(array, current, rows, columns):
    """(row voltages, column voltages, cell currents); `current(i, j, V)` is each cell's law.

    Wires above 0 ohm. Slopes are finite differences, so the answer owes nothing to the product's
    derivatives.
    """
    n, m = array.shape
    size = n * m
    wires, right = dense_wires(array, rows, columns)

    def cells(volts):
        return np.array([current(k // m, k % m, volts[k]) for k in range(size)])

    start = wires + 1e-9 * np.eye(2 * size)
    nodes = np.linalg.solve(start, right)
    for _ in range(2000):
        volts = nodes[:size] - nodes[size:]
        step = 1e-6
        flow = cells(volts)
        slope = (cells(volts + step) - cells(volts - step)) / (2 * step)
        error = wires @ nodes - right + np.concatenate([flow, -flow])
        stamp = np.diag(slope)
        matrix = wires + np.block([[stamp, -stamp], [-stamp, stamp]])
        move = -np.linalg.solve(matrix, error)
        largest = np.abs(move).max()
        nodes = nodes + move * min(1.0, LARGEST_MOVE / max(largest, 1e-300))
        if largest < 1e-15 * max(1.0, np.abs(nodes).max()):
            break
    volts = nodes[:size] - nodes[size:]
    return nodes[:size].reshape(n, m), nodes[size:].reshape(n, m), cells(volts).reshape(n, m)
