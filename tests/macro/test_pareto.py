"""The streamed front equals the pairwise definition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.macro.pareto import Front, front_reference


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 4), st.integers(0, 2**32), st.integers(2, 30))
def test_front_equals_the_definition(n, k, seed, levels):
    points = np.random.default_rng(seed).integers(0, levels, (n, k)).astype(float)
    front = Front(k)
    for start in range(0, n, 37):
        front.add(points[start : start + 37], start)
    values, index = front.result()
    assert index.tolist() == front_reference(points).tolist()
    assert np.array_equal(values, points[index])


def test_a_front_larger_than_its_first_room():
    x = np.arange(5000.0)
    front = Front(2)
    front.add(np.stack([x, -x], axis=1), 0)
    assert len(front.result()[1]) == 5000
