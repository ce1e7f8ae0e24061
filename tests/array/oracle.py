"""An independent answer to an array: the full nodal matrix, assembled naively, by sparse LU."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg


def nodal_solution(array, rows, columns=0.0):
    """(row voltages, column voltages, column currents) of a `tt.Array` with wires above 0 ohm.

    One vector. Every node has its row of the matrix; wires, ends and cells are stamped one kind
    after another, and one step of refinement follows the factorisation.
    """
    conductance = array.conductance
    n, m = conductance.shape
    row_node = np.arange(n * m).reshape(n, m)
    column_node = row_node + n * m
    matrix_rows, matrix_columns, values = [], [], []
    right = np.zeros(2 * n * m)

    def stamp(left, other, siemens):
        left, other = left.ravel(), other.ravel()
        siemens = np.broadcast_to(siemens, left.shape).ravel()
        for a, b, sign in (
            (left, left, 1),
            (other, other, 1),
            (left, other, -1),
            (other, left, -1),
        ):
            matrix_rows.append(a)
            matrix_columns.append(b)
            values.append(sign * siemens)

    def source(nodes, ohm, volts):
        siemens = 1.0 / ohm
        matrix_rows.append(nodes)
        matrix_columns.append(nodes)
        values.append(siemens)
        np.add.at(right, nodes, siemens * volts)

    stamp(row_node, column_node, conductance.ravel())
    stamp(row_node[:, :-1], row_node[:, 1:], 1.0 / array.row_wire)
    stamp(column_node[:-1], column_node[1:], 1.0 / array.column_wire)
    rows, columns = np.broadcast_to(rows, n), np.broadcast_to(columns, m)
    source(row_node[:, 0], array.row_wire + array.row_driver, rows)
    source(row_node[:, -1], array.row_wire + array.row_far, rows)
    source(column_node[-1], array.column_wire + array.column_sense, columns)
    source(column_node[0], array.column_wire + array.column_far, columns)
    matrix = sparse.coo_array(
        (np.concatenate(values), (np.concatenate(matrix_rows), np.concatenate(matrix_columns))),
        shape=(2 * n * m, 2 * n * m),
    ).tocsc()
    factors = linalg.splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    nodes = factors.solve(right)
    nodes += factors.solve(right - matrix @ nodes)
    u, v = nodes[row_node], nodes[column_node]
    return u, v, (conductance * (u - v)).sum(axis=0)
