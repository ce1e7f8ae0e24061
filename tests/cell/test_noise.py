"""Read noise: CA10 on technology A's series, the integral over a read's band, the kernel."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from ageing_laws import NOISE

from tantala.base.errors import FitError
from tantala.cell.conduction import Conduction
from tantala.cell.fit.tables import read_table
from tantala.cell.noise import NoiseLaw, fit_noise, read_current, spectra


def bound(result) -> NoiseLaw:
    values = {n.path.split(".")[1]: n.value for n in result.numbers}
    return NoiseLaw(**values)


def cells(n, backend="numba", law=NOISE):
    return SimpleNamespace(
        cell=SimpleNamespace(law=lambda _: law, conduction=Conduction(0.2, 0.3, 5e-5, 4.0)),
        conductance=np.geomspace(1e-6, 2.5e-4, n).astype(np.float32),
        first_address=100,
        seed=5,
        reads=0,
        backend=backend,
    )


def test_measured_noise_of_technology_a(measured_data):
    """CA10: S/G^2 falls at least 100 times from 10 to 250 uS; slope -1 +- 0.4."""
    path = measured_data / "relaxation_bake_levy" / "timeseries_techA.tsv.gz"
    table = read_table(path, kind="noise_levels", sample_rate=400.0)
    assert table["conductance"].shape == (5, 100_000)
    law = bound(fit_noise(table["conductance"], 400.0))
    assert law.spectrum(10e-6, 1.0) / law.spectrum(250e-6, 1.0) >= 100.0
    assert 0.6 <= law.slope <= 1.4
    frequency, relative, mean = spectra(table["conductance"], 400.0)
    # One cell a level was measured, and single cells scatter by e**1.4 about the law.
    for cell, g in enumerate(mean):
        measured = np.interp(0.0, np.log(frequency), np.log(relative[cell]))
        assert abs(np.log(law.spectrum(g, 1.0)) - measured) < 3.0


def test_fit_finds_the_numbers_of_synthetic_noise():
    """Control: what was put in comes out, and white noise does not pass as 1/f."""
    rng = np.random.default_rng(2)
    n, rate, mean = 20_000, 400.0, np.array([1e-5, 3e-5, 1e-4, 2.5e-4])
    frequency = np.fft.rfftfreq(n, 1.0 / rate)[1:]
    series = []
    for g in mean:
        power = NOISE.spectrum(g, frequency)
        shape = np.sqrt(power * rate * n / 4.0)
        draws = rng.standard_normal((2, frequency.size))
        spectrum = shape * (draws[0] + 1j * draws[1])
        series.append(g * (1.0 + np.fft.irfft(np.concatenate(([0.0], spectrum)), n)))
    law = bound(fit_noise(np.array(series), rate))
    assert law.slope == pytest.approx(NOISE.slope, abs=0.1)
    assert law.exponent == pytest.approx(NOISE.exponent, abs=0.15)
    assert law.spectrum(5e-5, 1.0) == pytest.approx(NOISE.spectrum(5e-5, 1.0), rel=0.25)
    white = 5e-5 * (1.0 + 0.01 * rng.standard_normal((1, n)))
    assert bound_level(fit_noise(white, rate)) < 0.01 * 0.01**2


def bound_level(result) -> float:
    return next(n.value for n in result.numbers if n.path == "noise.level")


def test_one_cell_does_not_tell_the_fall_with_conductance():
    series = 5e-5 * (1.0 + 0.01 * np.random.default_rng(1).standard_normal((1, 2000)))
    result = fit_noise(series, 20.0)
    assert result.not_identified == ("noise.exponent",)


def test_short_or_broken_series_are_refused():
    with pytest.raises(FitError, match="too short"):
        fit_noise(np.full((2, 100), 1e-5), 400.0)
    with pytest.raises(FitError, match="finite"):
        fit_noise(np.full((2, 1000), np.nan), 400.0)


@pytest.mark.parametrize("slope", [1.0, 1.2, 0.8])
def test_a_read_integrates_the_spectrum_over_its_band(slope):
    law = dataclasses.replace(NOISE, slope=slope)
    frequency = np.geomspace(law.slowest, 0.5 / law.integration_time, 20_001)
    band = np.trapezoid(law.spectrum(5e-5, frequency), frequency) if hasattr(np, "trapezoid") else (
        np.sum(0.5 * np.diff(frequency) * (law.spectrum(5e-5, frequency)[1:]
               + law.spectrum(5e-5, frequency)[:-1])))  # fmt: skip
    assert law.relative_deviation(5e-5) == pytest.approx(np.sqrt(band), rel=1e-4)
    assert law.relative_deviation(5e-5, 1e-8) > law.relative_deviation(5e-5, 1e-6)


def test_every_read_draws_anew_and_backends_agree():
    fast, plain = cells(2000), cells(2000, "numpy")
    index = np.arange(2000)
    first, second = read_current(fast, 0.2, index), read_current(fast, 0.2, index)
    assert np.mean(first == second) < 0.01
    reference = read_current(plain, 0.2, index)
    noise = np.abs(reference - plain.cell.conduction.current(plain.conductance, 0.2))
    assert np.max(np.abs(first - reference)) < 1e-4 * noise.max()


def test_noise_of_a_read_has_the_stated_deviation():
    """20,000 cells at one conductance; the deviation is known to 0.5 %, asked for 3 % (6 sigma)."""
    one = cells(20_000)
    one.conductance[:] = 6e-5
    current = read_current(one, 0.2, np.arange(20_000))
    expected = NOISE.current_deviation(1.2e-5, 6e-5, 298.15)
    assert current.std() == pytest.approx(expected, rel=0.03)
    assert current.mean() == pytest.approx(1.2e-5, rel=1e-3)
