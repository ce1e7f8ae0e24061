"""Read disturb: the assumed law does what its equations say."""

from __future__ import annotations

import numpy as np
import pytest

from tantala.cell.disturb import DisturbLaw

LAW = DisturbLaw(life=1e6, voltage=0.3, voltage_scale=0.04, shape=1.5)


def test_life_shrinks_by_e_a_voltage_scale():
    assert LAW.life_at(0.3) == pytest.approx(1e6)
    assert LAW.life_at(0.34) / LAW.life_at(0.3) == pytest.approx(np.exp(-1.0))
    assert np.isfinite(LAW.life_at(np.array([0.0, 100.0]))).all()


def test_share_disturbed():
    assert LAW.disturbed(0.3, 1e6) == pytest.approx(1.0 - np.exp(-1.0))
    assert LAW.disturbed(0.3, 0.0) == 0.0
    stress = np.geomspace(1e-3, 1e9, 20)
    assert np.all(np.diff(LAW.disturbed(0.3, stress)) >= 0.0)


@pytest.mark.parametrize("share", [1e-18, 1e-6, 0.5])
def test_longest_stress_inverts_the_share(share):
    stress = LAW.longest_stress(0.2, share)
    assert LAW.disturbed(0.2, stress) == pytest.approx(share, rel=1e-9)
