"""Retention: bakes of technologies A and B from one code (CA7), bounds, ranges, extrapolation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ageing_laws import LAW, RELAXATION, RETENTION

from tantala.base.errors import FitError, RangeViolation
from tantala.cell import retention
from tantala.cell.ageing import Ageing
from tantala.cell.ageing_fit import EIGHTHS, eighths
from tantala.cell.ageing_tables import STARTS, AgedCells, baked, fit_law, relaxed
from tantala.cell.fit.tables import read_table
from tantala.cell.relaxation import aged


class Cells(SimpleNamespace):
    """What ageing needs of a population."""

    def __len__(self):
        return len(self.written)


def population(n=500, backend="numba"):
    written = np.geomspace(2e-6, 1.3e-4, n).astype(np.float32)
    return Cells(
        cell=SimpleNamespace(law=lambda _: RELAXATION, retention=RETENTION),
        written=written,
        conductance=written.copy(),
        age=np.zeros(n, np.float32),
        writes=np.zeros(n, np.uint32),
        first_address=0,
        seed=3,
        backend=backend,
        extrapolated=set(),
    )


def test_waiting_in_two_steps_is_waiting_once():
    once, twice = population(), population()
    retention.age(once, 3600.0, 400.0)
    retention.age(twice, 1000.0, 400.0)
    retention.age(twice, 2600.0, 400.0)
    np.testing.assert_allclose(twice.conductance, once.conductance, rtol=1e-4)


def test_backends_agree():
    fast, plain = population(), population(backend="numpy")
    for one in (fast, plain):
        retention.age(one, 100.0, 450.0)
    np.testing.assert_allclose(fast.conductance, plain.conductance, rtol=0.05)


def test_conductance_stays_positive_and_bounded_however_long_and_hot():
    cells = population()
    retention.age(cells, 1e12, 700.0, extrapolate=True)
    assert np.all(cells.conductance > 0.0)
    assert np.all(cells.conductance <= 2.6 * RELAXATION.full_scale)
    assert np.all(np.isfinite(cells.conductance))
    assert cells.extrapolated == {"retention"}


def test_beyond_the_range_is_refused_and_changes_nothing():
    cells = population()
    with pytest.raises(RangeViolation, match="front"):
        retention.age(cells, 3e8, 573.0)
    assert np.all(cells.age == 0.0)
    np.testing.assert_array_equal(cells.conductance, cells.written)


def test_ten_years_at_85_degrees_and_the_hottest_bake_are_in_range():
    for seconds, kelvin in ((3.156e8, 358.15), (4.5e3, 533.15 - 0.5)):
        age = float(aged(0.0, seconds, kelvin, RELAXATION.attempt_rate))
        retention.check_front(LAW, age, seconds, kelvin, extrapolate=False)


def test_spread_of_the_state_coordinate_grows_with_temperature_and_time():
    """Conductance may narrow again once cells have decayed; what happened to them may not."""
    written = np.array([1e-5, 7e-5, 1.1e-4])
    for conditions in (
        [(5e3, t) for t in (25, 100, 140, 180, 220)],
        [(10.0**k, 85) for k in range(9)],
    ):
        spread = []
        for seconds, celsius in conditions:
            mixture = LAW.mixture(written, float(aged(0.0, seconds, celsius + 273.15, 1e13)))
            mean = np.sum(mixture.weight * mixture.mean, axis=0)
            square = np.sum(mixture.weight * (mixture.variance + mixture.mean**2), axis=0)
            spread.append(square - mean**2)
        assert np.all(np.diff(spread, axis=0) > 0.0)


def test_a_bake_needs_both_reads(tmp_path):
    path = tmp_path / "bake.tsv"
    rows = "".join(f"{i}\t10\t1e-5\t100\n" for i in range(20))
    path.write_text("addr\ttime\tg\ttemp\n" + rows)
    with pytest.raises(FitError, match="before and after"):
        baked(read_table(path))


def test_too_few_cells_are_refused():
    few = AgedCells(np.full(20, 5e-5), np.full(20, 5e-5), 1.0, 298.15, "few")
    with pytest.raises(FitError, match="too few"):
        fit_law([few], 128e-6)


# --- measured; the bands of CA7 on the shipped cells are in tests/published -----------------------


@pytest.fixture(scope="module")
def hottest(measured_data):
    """(law of technology B fitted without its bake at 220 degC, that bake)."""
    folder = measured_data / "relaxation_bake_levy"
    bakes = baked(read_table(folder / "bake_techB.tsv.gz"))
    cooler = relaxed(read_table(folder / "relax_techB.tsv.gz"))
    cooler += [bake for bake in bakes if bake.temperature < 480.0]
    law, _, _ = fit_law(cooler, 128e-6, STARTS[2:])
    return law, next(bake for bake in bakes if bake.temperature > 480.0)


def deviations(law, sample, full_scale):
    """Deviation of the change per eighth, model / data."""
    age = float(aged(0.0, sample.time, sample.temperature, law.relaxation.attempt_rate))
    n = len(sample.before)
    model = law.sample(sample.before, age, 1, np.arange(n), 0) - sample.before
    data = sample.after - sample.before
    part = eighths(sample.before, full_scale)
    return np.array([model[part == k].std() / data[part == k].std() for k in range(EIGHTHS)])


def test_measured_the_hottest_bake_is_predicted_from_the_cooler_ones(hottest):
    """Leave one temperature out: deviation per eighth within 25 %."""
    law, sample = hottest
    assert np.all(np.abs(np.log(deviations(law, sample, 128e-6))) < np.log(1.25))


def test_control_the_law_without_retention_fails(hottest):
    """The judge above must see that relaxation alone does not make a bake."""
    law, sample = hottest
    assert np.any(deviations(Ageing(law.relaxation), sample, 128e-6) < 0.75)
