"""The coarse space of the two-level iteration: the few smoothest modes of both wire planes.

What the line solves alone damp slowly is smooth along rows and along columns at once. The modes
U_p(i) V_q(j) of the smoothest chain eigenvectors span it; on them the two-plane system reduces to

    S_c = B_c + D_c - D_c (W_c + D_c)^-1 D_c,
    D_c[(p,q),(p',q')] = sum_ij U_ip U_ip' G_ij V_jq V_jq',

with W_c, B_c the wires' matrices on the modes, diagonal for equal lines. It is the Galerkin matrix
of both planes with the word plane eliminated; it is used as in the A-DEF2 method of Tang, Nabben,
Vuik and Erlangga, J. Sci. Comput. 39 (2009) 340, doi:10.1007/s10915-009-9272-6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class CoarseSpace:
    """Modes along the bit lines (`lines`, N x m) and along the word lines (`cells`, M x m).

    `curved` is `lines` times their eigenvalues [S]; `ends` (2, M) [S] is by what a bit line's end
    terms differ from the mean line's; `factor` is the Cholesky factor of S_c.
    """

    lines: Vector
    cells: Vector
    curved: Vector
    ends: Vector
    factor: Vector

    def correction(self, coarse: Vector) -> Vector:
        """Amplitudes (m, m) that answer the coarse residual (m, m)."""
        from scipy.linalg import cho_solve  # needed only where wires are long; slow to import

        answer = cho_solve((self.factor, True), coarse.ravel(), check_finite=False)
        return answer.reshape(coarse.shape)


def chain_modes(nodes: int, near: float, far: float, modes: int) -> tuple[Vector, Vector]:
    """The `modes` smoothest eigenvectors (nodes, modes) of a chain and their eigenvalues.

    Segments of unit conductance; `near`, `far` are the end terms in units of it, on the last and
    the first node. Eigenvalues in the same unit, ascending.
    """
    from scipy.linalg import eigh_tridiagonal

    diagonal = np.full(nodes, 2.0)
    diagonal[0] = 1.0 + far
    diagonal[-1] = 1.0 + near
    values, vectors = eigh_tridiagonal(
        diagonal, np.full(nodes - 1, -1.0), select="i", select_range=(0, modes - 1)
    )
    return np.ascontiguousarray(vectors), np.maximum(values, 0.0)


def coarse_space(
    conductance: Vector,
    row_segment: float,
    column_segment: float,
    row_ends: tuple[Vector, Vector],
    column_ends: tuple[Vector, Vector],
    modes: int,
) -> CoarseSpace:
    """The coarse space of an array; segments in S, ends as (near, far) end terms a line in S.

    The near end of a word line is its first column, of a bit line its last row.
    """
    from scipy.linalg import cho_factor, cho_solve, cholesky

    rows, columns = conductance.shape
    lines, bent = chain_modes(
        rows,
        column_ends[0].mean() / column_segment,
        column_ends[1].mean() / column_segment,
        modes,
    )
    # A word line's near end is its first node, so the modes are taken mirrored.
    cells, curved = chain_modes(
        columns, row_ends[0].mean() / row_segment, row_ends[1].mean() / row_segment, modes
    )
    cells = np.ascontiguousarray(cells[::-1])
    bent, curved = bent * column_segment, curved * row_segment
    upper = np.triu_indices(modes)
    pairs = lines[:, upper[0]] * lines[:, upper[1]]
    crosses = cells[:, upper[0]] * cells[:, upper[1]]
    packed = pairs.T @ conductance @ crosses
    place = np.empty((modes, modes), dtype=np.intp)
    place[upper] = np.arange(upper[0].size)
    place[upper[::-1]] = place[upper]
    # Order (p, q), (p', q') from pairs (p, p') and crosses (q, q').
    cell = packed[place[:, None, :, None], place[None, :, None, :]].reshape(modes**2, modes**2)
    bit_ends = np.stack([end - end.mean() for end in column_ends[::-1]])
    word_ends = [end - end.mean() for end in row_ends]
    identity = np.eye(modes)
    bits = np.kron(np.diag(bent), identity)
    for node, end in ((0, bit_ends[0]), (-1, bit_ends[1])):
        if np.any(end):
            outer = np.outer(lines[node], lines[node])
            bits += np.kron(outer, (cells * end[:, None]).T @ cells)
    words = np.kron(identity, np.diag(curved))
    for node, end in ((0, word_ends[0]), (-1, word_ends[1])):
        if np.any(end):
            outer = np.outer(cells[node], cells[node])
            words += np.kron((lines * end[:, None]).T @ lines, outer)
    both = cho_factor(words + cell, lower=True, check_finite=False)
    reduced = bits + cell - cell @ cho_solve(both, cell, check_finite=False)
    factor = cholesky(reduced, lower=True, check_finite=False)
    return CoarseSpace(lines, cells, lines * bent, bit_ends, factor)
