"""The monotone curve against scipy's."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from tantala.base.pchip import Pchip


@pytest.mark.parametrize("points", [2, 3, 4, 50])
@pytest.mark.parametrize("kind", ["rising", "wavy", "flat"])
def test_as_scipy_to_the_last_digit(points: int, kind: str) -> None:
    draws = np.random.default_rng(points)
    x = np.cumsum(draws.uniform(0.1, 3.0, points))
    y = {
        "rising": np.cumsum(draws.exponential(size=points)),
        "wavy": draws.normal(size=points),
        "flat": np.round(draws.normal(size=points)),
    }[kind]
    at = np.concatenate((x, draws.uniform(x[0] - 1.0, x[-1] + 1.0, 300)))
    theirs, ours = PchipInterpolator(x, y), Pchip(x, y)
    np.testing.assert_array_equal(ours(at), theirs(at))
    np.testing.assert_allclose(ours.slope(at), theirs.derivative()(at), rtol=1e-12, atol=1e-12)


def test_any_shape_and_scalars() -> None:
    curve = Pchip([0.0, 1.0, 3.0], [0.0, 1.0, 2.0])
    assert curve(np.zeros((2, 3))).shape == (2, 3)
    assert curve(1.0) == 1.0
