"""Arrays for the tests: the reference workload and hypothesis strategies over everything."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np

import tantala as tt

SEGMENTS = (0.0, 1e-3, 0.2, 1.0, 7.0, 100.0)


def workload(lines, vectors=1):
    """Conductance (N, N) and voltages (N, vectors) of the reference workload."""
    rng = np.random.default_rng(1000 + lines)
    conductance = rng.uniform(1e-5, 2e-4, (lines, lines))
    return conductance, rng.uniform(0.0, 0.2, (lines, 64))[:, :vectors]


@st.composite
def arrays(draw, largest=24, segments=SEGMENTS, ends=True, decades=8.0):
    """An array with random size, wires, ends, open cells, and conductances over `decades`."""
    rows, columns = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    conductance = 10.0 ** rng.uniform(-9.0, -9.0 + decades, (rows, columns))
    conductance[rng.random((rows, columns)) < draw(st.sampled_from((0.0, 0.3)))] = 0.0
    options = {}
    if ends:
        options["row_driver"] = draw(st.sampled_from((0.0, 30.0)))
        options["row_far"] = draw(st.sampled_from((np.inf, 12.0)))
        options["column_sense"] = draw(st.sampled_from((0.0, 250.0)))
        options["column_far"] = draw(st.sampled_from((np.inf, 5.0)))
    return tt.Array(
        conductance, draw(st.sampled_from(segments)), draw(st.sampled_from(segments)), **options
    )


def voltages(array, seed=0, count=None):
    """Random row voltages for `array`."""
    shape = array.shape[0] if count is None else (array.shape[0], count)
    return np.random.default_rng(seed).normal(size=shape)
