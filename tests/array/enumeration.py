"""Every data pattern of a small array, solved by dense LU, independent of the package's solver."""

from __future__ import annotations

import itertools

import numpy as np


def every_pattern(shape, selected, low):
    """All data patterns (2**(N M - 1), N, M) with the selected cell's state kept."""
    rows, columns = shape
    place = selected[0] * columns + selected[1]
    bits = np.array(list(itertools.product((False, True), repeat=rows * columns - 1)))
    return np.insert(bits, place, low, axis=1).reshape(-1, rows, columns)


def dense_solutions(array, conductances, rows, columns):
    """Cell voltages (K, N, M) and column currents (K, M) for conductances (K, N, M); wires > 0."""
    count, n, m = conductances.shape
    u = np.arange(n * m).reshape(n, m)
    v = u + n * m
    base, right = np.zeros((2 * n * m, 2 * n * m)), np.zeros(2 * n * m)

    def join(a, b, siemens):
        for left, other in zip(a.ravel(), b.ravel(), strict=True):
            base[left, left] += siemens
            base[other, other] += siemens
            base[left, other] -= siemens
            base[other, left] -= siemens

    def drive(nodes, ohm, volts):
        siemens = 1.0 / ohm
        base[nodes, nodes] += siemens
        right[nodes] += siemens * volts

    join(u[:, :-1], u[:, 1:], 1.0 / array.row_wire)
    join(v[:-1], v[1:], 1.0 / array.column_wire)
    drive(u[:, 0], array.row_wire + array.row_driver, rows)
    drive(u[:, -1], array.row_wire + array.row_far, rows)
    drive(v[-1], array.column_wire + array.column_sense, columns)
    drive(v[0], array.column_wire + array.column_far, columns)
    matrix = np.repeat(base[None], count, axis=0)
    flat = conductances.reshape(count, -1)
    a, b = u.ravel(), v.ravel()
    matrix[:, a, a] += flat
    matrix[:, b, b] += flat
    matrix[:, a, b] -= flat
    matrix[:, b, a] -= flat
    nodes = np.linalg.solve(matrix, np.repeat(right[None, :, None], count, axis=0))[:, :, 0]
    voltages = (nodes[:, a] - nodes[:, b]).reshape(count, n, m)
    return voltages, (conductances * voltages).sum(axis=1)
