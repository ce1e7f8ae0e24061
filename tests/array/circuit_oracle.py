"""Any resistive circuit in exact rational arithmetic, and gated arrays by naive sparse LU."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg


def exact_circuit(resistors, fixed):
    """({node: V}, {fixed node: A out of it}) of (node, node, ohm) `resistors`; no rounding at all.

    `fixed` gives the voltage of each driven node. Infinite resistors are left out, those of 0 ohm
    make their nodes one. Nodes that nothing drives are absent from the answer.
    """
    root = {node: node for node in fixed} | _joined(resistors)
    level = {root[node]: Fraction(volt) for node, volt in fixed.items()}
    links = _conducting(resistors, root, set(level))
    free = sorted({node for link in links for node in link[:2]} - set(level), key=repr)
    place = {node: k for k, node in enumerate(free)}
    matrix = [[Fraction(0)] * (len(free) + 1) for _ in free]
    for a, b, g in links:
        for here, there in ((a, b), (b, a)):
            if here not in place:
                continue
            matrix[place[here]][place[here]] += g
            if there in place:
                matrix[place[here]][place[there]] -= g
            else:
                matrix[place[here]][-1] += g * level[there]
    answer = dict(zip(free, _gauss(matrix), strict=True)) | level
    out = dict.fromkeys(level, Fraction(0))
    for a, b, g in links:
        for here, there in ((a, b), (b, a)):
            if here in out:
                out[here] += g * (answer[here] - answer[there])
    volts = {node: float(answer[top]) for node, top in root.items() if top in answer}
    return volts, {node: float(out[root[node]]) for node in fixed}


def _joined(resistors):
    """{node: the node that stands for it and all joined to it by 0 ohm}."""
    parent = {node: node for resistor in resistors for node in resistor[:2]}

    def root(node):
        while parent[node] != node:
            node = parent[node]
        return node

    for a, b, ohm in resistors:
        if ohm == 0.0:
            parent[root(b)] = root(a)
    return {node: root(node) for node in parent}


def _conducting(resistors, root, driven):
    """(node, node, exact S) of the resistors that some driven node reaches."""
    links = [
        (root[a], root[b], 1 / Fraction(ohm))
        for a, b, ohm in resistors
        if 0.0 < ohm < math.inf and root[a] != root[b]
    ]
    known, grown = set(driven), True
    while grown:
        before = len(known)
        for a, b, _ in links:
            if a in known or b in known:
                known |= {a, b}
        grown = len(known) > before
    return [link for link in links if link[0] in known]


def _gauss(matrix):
    """Solution of an augmented, positive definite system of fractions."""
    for k, pivot in enumerate(matrix):
        for row in matrix[k + 1 :]:
            if row[k]:
                factor = row[k] / pivot[k]
                for j in range(k, len(row)):
                    row[j] -= factor * pivot[j]
    answer = [Fraction(0)] * len(matrix)
    for k in range(len(matrix) - 1, -1, -1):
        rest = matrix[k][-1] - sum(matrix[k][j] * answer[j] for j in range(k + 1, len(matrix)))
        answer[k] = rest / matrix[k][k]
    return answer


def rail_resistors(array, gates, column):
    """One column of a GatedArray as resistors between ("s", i), ("t", i), "source" and "bit"."""
    rows, j = array.shape[0], column
    access = np.broadcast_to(array.access, array.shape)
    resistors = []
    for i in range(rows):
        g = array.conductance[i, j]
        behind = access[i, j] if gates[i] else (1.0 / array.off if array.off else math.inf)
        cell = math.inf if g == 0.0 else 1.0 / g
        resistors.append((("s", i), ("m", i), behind))
        resistors.append((("m", i), ("t", i), cell))
    for rail, drive, wire, top, bottom in (
        ("s", "source", array.source_wire, array.source_top[j], array.source_bottom[j]),
        ("t", "bit", array.bit_wire, array.bit_top[j], array.bit_bottom[j]),
    ):
        resistors += [((rail, i), (rail, i + 1), wire) for i in range(rows - 1)]
        for end, ohm in ((0, top), (rows - 1, bottom)):
            resistors.append(((rail, end), drive, ohm + wire))
    return resistors


def gated_solution(array, gates, sources, bits=0.0):
    """(source voltages, bit voltages, cell currents, source currents) by LU; wires above 0 ohm."""
    n, m = array.shape
    series = array.access + 1.0 / array.conductance
    cells = np.where(np.asarray(gates)[:, None], 1.0 / series, 0.0)
    if array.off:
        cells += np.where(gates, 0.0, 1.0)[:, None] / (1.0 / array.off + 1.0 / array.conductance)
    s = np.arange(n * m).reshape(n, m)
    t = s + n * m
    matrix = sparse.lil_array((2 * n * m, 2 * n * m))
    right = np.zeros(2 * n * m)

    def link(a, b, siemens):
        for here, there in ((a, b), (b, a)):
            matrix[here, here] += siemens
            matrix[here, there] -= siemens

    def drive(a, siemens, volt):
        matrix[a, a] += siemens
        right[a] += siemens * volt

    high, low = np.broadcast_to(sources, m), np.broadcast_to(bits, m)
    for j in range(m):
        for i in range(n):
            link(s[i, j], t[i, j], cells[i, j])
            if i + 1 < n:
                link(s[i, j], s[i + 1, j], 1.0 / array.source_wire)
                link(t[i, j], t[i + 1, j], 1.0 / array.bit_wire)
        drive(s[0, j], 1.0 / (array.source_wire + array.source_top[j]), high[j])
        drive(s[-1, j], 1.0 / (array.source_wire + array.source_bottom[j]), high[j])
        drive(t[0, j], 1.0 / (array.bit_wire + array.bit_top[j]), low[j])
        drive(t[-1, j], 1.0 / (array.bit_wire + array.bit_bottom[j]), low[j])
    matrix = matrix.tocsc()
    factors = linalg.splu(matrix)
    x = factors.solve(right)
    x += factors.solve(right - matrix @ x)
    source, bit = x[s], x[t]
    supplied = (high - source[0]) / (array.source_wire + array.source_top)
    supplied += (high - source[-1]) / (array.source_wire + array.source_bottom)
    return source, bit, cells * (source - bit), supplied
