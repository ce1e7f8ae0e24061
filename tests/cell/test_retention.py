"""Retention: bakes of technologies A and B from one code (CA7), bounds, ranges, extrapolation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ageing_laws import LAW, RELAXATION, RETENTION

from tantala.base.errors import FitError, RangeViolation
from tantala.cell import retention
from tantala.cell.ageing_fit import EIGHTHS, eighths
from tantala.cell.ageing_tables import AgedCells, baked, fit_law, relaxed
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


# --- measured: CA7 of reference/cell.md section 7 ---------------------------------------------


@pytest.fixture(scope="module", params=["A", "B"])
def fitted(request, measured_data):
    """(technology, law, cells of each bake, full scale): one code, two sets of numbers."""
    folder = measured_data / "relaxation_bake_levy"
    full_scale = {"A": 240e-6, "B": 128e-6}[request.param]
    bakes = baked(read_table(folder / f"bake_tech{request.param}.tsv.gz"))
    relax = relaxed(read_table(folder / "relax_techB.tsv.gz")) if request.param == "B" else []
    law, _, _ = fit_law([*relax, *bakes], full_scale)
    return request.param, law, bakes, full_scale


def changes(law, sample, seed=1):
    age = float(aged(0.0, sample.time, sample.temperature, law.relaxation.attempt_rate))
    n = len(sample.before)
    return law.sample(sample.before, age, seed, np.arange(n), 0)


def test_measured_bakes_mean_and_deviation_per_eighth(fitted):
    """CA7: sigma 25 %; mean 25 % or 12 % of the group's own deviation.

    The floor: cells were programmed anew before each temperature and the temperature of the reads
    is not stated, so means of different bakes are not one history; technology B reverses by 0.2
    sigma from 180 to 220 degC, more than any activated process allows.
    """
    _, law, bakes, full_scale = fitted
    for sample in bakes:
        model = changes(law, sample) - sample.before
        data = sample.after - sample.before
        part = eighths(sample.before, full_scale)
        for eighth in range(EIGHTHS):
            here = part == eighth
            got, want, sigma = model[here].mean(), data[here].mean(), data[here].std()
            assert model[here].std() == pytest.approx(sigma, rel=0.25), (sample.label, eighth)
            assert abs(got - want) <= max(0.25 * abs(want), 0.12 * sigma), (sample.label, eighth)


def test_measured_fail_fractions_within_a_factor_two(fitted):
    """CA7: where at least ten cells failed; below that the count itself is not known to x2."""
    _, law, bakes, full_scale = fitted
    for sample in bakes:
        after = changes(law, sample) / full_scale
        state, measured = sample.before / full_scale, sample.after / full_scale
        for who, failed in (
            (state > 0.6, lambda g: g < 0.4),
            (state > 0.6, lambda g: g < 0.3),
            (state < 0.1, lambda g: g > 0.3),
        ):
            count = failed(measured[who]).sum()
            if count >= 10:
                assert 0.5 <= failed(after[who]).sum() / count <= 2.0, sample.label


def test_control_a_law_of_the_other_technology_fails(fitted):
    """The judge above must tell technologies A and B apart: B's flatness against A's decay."""
    technology, _, bakes, full_scale = fitted
    hot = next(s for s in bakes if abs(s.temperature - 493.15) < 1.0)
    scaled = AgedCells(
        hot.before * (RELAXATION.full_scale / full_scale), hot.after, hot.time, hot.temperature, ""
    )
    other = changes(LAW, scaled) * (full_scale / RELAXATION.full_scale) - hot.before
    high = hot.before > 0.6 * full_scale
    deviation = (hot.after - hot.before)[high].std()
    ratio = other[high].std() / deviation
    assert (ratio < 0.75) if technology == "A" else (ratio == pytest.approx(1.0, rel=0.25))
