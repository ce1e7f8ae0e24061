"""Read noise: 1/f fluctuation of the conductance, thermal and shot noise of the current.

The power spectral density of a cell's conductance is, from the lowest measured conductance on,

    S_G(f) / G^2 = level * (reference_conductance / G)^exponent * (1 Hz / f)^slope / Hz        (1)

falls with G because few of the traps matter to a wide filament (measured: 650 times from 10 to
250 uS, technology A). A read that integrates for t sees frequencies up to 1 / (2 t); what is slower
than `slowest` stands still during verify and read alike and belongs to `relaxation`. So one read
deviates from the mean by

    var(G) / G^2 = integral of (1) from slowest to 1 / (2 t)                                   (2)
    var(I) = V^2 var(G) + (4 k T G + 2 q |I|) / (2 t)       (Nyquist, Schottky; bandwidth 1 / 2t)

Draws of different reads are independent. Left out: the correlation of reads in quick succession;
random telegraph levels of single traps (one cell a level was measured: too few to tell a
distribution of levels; their mean power is in (1)); the instrument's own noise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from tantala.base.binding import quantity
from tantala.base.errors import FitError, InputError, Problem
from tantala.base.random import normal, philox4x32, purpose, seed_words
from tantala.cell.elementary import FAST, F, exp32, log32, normal32
from tantala.cell.fit.result import Curve, FitResult, FittedNumber, Goodness

if TYPE_CHECKING:
    from tantala.cell.population import Population

Floats = NDArray[np.float64]
READ = purpose("cell.read")
BOLTZMANN_JOULE = 1.380649e-23  # J/K, exact (SI brochure, 9th edition)
ELEMENTARY_CHARGE = 1.602176634e-19  # C, exact
ROOM = 298.15  # K
SCALE = 1e9  # nA: currents squared stay within float32
SEGMENTS = 3  # of a series, at least, so that a spectrum has an error
FEWEST_SAMPLES = 256
LARGEST_DRAW = 6.4  # of a normal from 32 bits
REACH_SHIFT = np.uint32(21)  # leaves exponent and two bits of a float32
REACHES = 0x7F800000 >> 21  # finite ones
_LARGEST = 1e6  # S, beyond any cell
HIGHEST = 0.25  # part of the sample rate up to which a spectrum is trusted: the filter before it


@dataclass(frozen=True)
class NoiseLaw:
    """Numbers of equations (1) and (2) (`noise` in a file)."""

    level: float = quantity("1", "S_G / G^2 at 1 Hz and the reference, times 1 Hz", minimum=0)
    reference_conductance: float = quantity("S", "conductance of the level", minimum=1e-9)
    exponent: float = quantity("1", "fall of S_G / G^2 with conductance", minimum=0, maximum=4)
    lowest_conductance: float = quantity(
        "S", "conductance below which S_G / G^2 stays what it is there", minimum=0
    )
    slope: float = quantity("1", "fall of the spectrum with frequency", minimum=0.3, maximum=1.9)
    slowest: float = quantity("Hz", "frequency below which relaxation holds the fluctuation")
    integration_time: float = quantity("s", "integration time of a read", minimum=1e-12)

    def spectrum(self, conductance: ArrayLike, frequency: ArrayLike) -> Floats:
        """S_G / G^2 [1/Hz] at `conductance` [S] and `frequency` [Hz]; broadcasts."""
        g = np.maximum(np.asarray(conductance, np.float64), self.lowest_conductance)
        ratio = self.reference_conductance / g
        return self.level * ratio**self.exponent * np.asarray(frequency, np.float64) ** -self.slope

    def relative_deviation(
        self, conductance: ArrayLike, integration_time: float | None = None
    ) -> Floats:
        """sigma(G) / G of one read, equation (2); 0 if the read is slower than `slowest`."""
        time = self.integration_time if integration_time is None else integration_time
        fastest = max(0.5 / time, self.slowest)
        power = 1.0 - self.slope
        if abs(power) < 1e-6:
            band = np.log(fastest / self.slowest)
        else:
            band = (fastest**power - self.slowest**power) / power
        return np.sqrt(self.spectrum(conductance, 1.0) * band)

    def current_deviation(
        self,
        current: ArrayLike,
        conductance: ArrayLike,
        temperature: float,
        integration_time: float | None = None,
    ) -> Floats:
        """sigma(I) [A] of one read of mean `current` [A] at `temperature` [K]."""
        time = self.integration_time if integration_time is None else integration_time
        mean = np.abs(np.asarray(current, np.float64))
        cell = (mean * self.relative_deviation(conductance, time)) ** 2
        thermal = 4.0 * BOLTZMANN_JOULE * temperature * np.asarray(conductance, np.float64)
        return np.sqrt(cell + (thermal + 2.0 * ELEMENTARY_CHARGE * mean) * 0.5 / time)


def read_current(
    population: Population,
    volts: float,
    index: NDArray[np.intp],
    integration_time: float | None = None,
    temperature: float = ROOM,
) -> NDArray[np.float32]:
    """Currents [A] of one read of the cells at `index`, with noise; counts in `population.reads`.

    The draw of a cell is a pure function of (seed, address, number of the read).
    """
    law: NoiseLaw = population.cell.law("noise")
    time = law.integration_time if integration_time is None else integration_time
    conductance = population.conductance[index]
    conduction = population.cell.conduction
    if conduction is None:
        raise InputError(Problem(f"cell {population.cell.name!r} has no conduction law"))
    mean = conduction.current(conductance, volts).astype(np.float32)
    address = index.astype(np.uint64) + np.uint64(population.first_address)
    event = population.reads
    population.reads += 1
    if population.backend == "numpy":
        draw = normal(population.seed, READ, address, event)
        deviation = law.current_deviation(mean, conductance, temperature, time)
        return (mean + deviation * draw).astype(np.float32)
    key = seed_words(population.seed)
    out = np.empty(len(index), np.float32)
    words = tuple(np.uint32(w) for w in (event & 0xFFFFFFFF, event >> 32, READ, *key))
    constants = noise_constants(law, time, temperature)
    noisy(out, mean, conductance, address, words, constants, np.empty(_BLOCK, np.float32))
    return out


class NoiseConstants(NamedTuple):
    """What the kernel needs of equation (2), float32: sigma(G) / G = `factor` times G to minus
    `half_exponent`, held below `lowest` [S]; powers of thermal and shot noise in nA^2.
    """

    factor: float
    half_exponent: float
    lowest: float
    thermal: float
    shot: float


def noise_constants(
    law: NoiseLaw, integration_time: float | None = None, temperature: float = ROOM
) -> NoiseConstants:
    """Constants of reads of `integration_time` [s], the law's own if None, at `temperature` [K]."""
    time = law.integration_time if integration_time is None else integration_time
    at_reference = float(law.relative_deviation(law.reference_conductance, time))
    values = (
        at_reference * law.reference_conductance ** (0.5 * law.exponent),
        0.5 * law.exponent,
        max(law.lowest_conductance, 1e-20),
        2.0 * BOLTZMANN_JOULE * temperature / time * SCALE**2,
        ELEMENTARY_CHARGE / time * SCALE,
    )
    return NoiseConstants._make(F(value) for value in values)


@functools.lru_cache(maxsize=16)
def reach(
    law: NoiseLaw, voltage: float, integration_time: float | None = None, temperature: float = ROOM
) -> NDArray[np.float32]:
    """How far [S] the noise of a read at `voltage` [V] can carry a conductance g, at most.

    By `g.view(uint32) >> REACH_SHIFT`: a quarter of an octave each. What is further from an edge
    than that is on the same side whatever is drawn. The deviation is a sum of powers of g with one
    kink, so over a quarter it is largest at an end or at the kink.
    """
    ends = (np.arange(REACHES + 1, dtype=np.uint32) << REACH_SHIFT).view(np.float32)
    first, last = ends[:-1].astype(float), np.minimum(ends[1:].astype(float), _LARGEST)
    points = np.stack([first, np.clip(law.lowest_conductance, first, last), last])
    current = points * voltage
    sigma = law.current_deviation(current, points, temperature, integration_time) / voltage
    return np.ascontiguousarray(LARGEST_DRAW * sigma.max(axis=0), np.float32)


# As in the kernels of pulses: a block at a time, in phases that the compiler turns into vectors.
_OPTIONS = {"cache": True, "error_model": "numpy", "fastmath": FAST, "nogil": True, "_nrt": False}
_BLOCK = 1024


@njit(**_OPTIONS)
def _draws(draw, address, words):
    event, event_high, purpose_word, k0, k1 = words
    for i in range(draw.size):
        low = np.uint32(address[i] & np.uint64(0xFFFFFFFF))
        high = np.uint32(address[i] >> np.uint64(32)) | np.uint32(event_high << np.uint32(16))
        word, _, _, _ = philox4x32(low, event, purpose_word, high, k0, k1)
        draw[i] = normal32(word)


@njit(**_OPTIONS)
def _disturbed(out, mean, conductance, draw, constants):
    """Current of each cell with noise; thermal and shot powers are scaled, since float32 ends at
    1e-38.
    """
    factor, half_exponent, lowest, thermal, shot = constants
    for i in range(out.size):
        g = max(conductance[i], F(0.0))
        relative = factor * exp32(-half_exponent * log32(max(g, lowest)))
        cell = mean[i] * F(SCALE) * relative
        power = cell * cell + thermal * g + shot * abs(mean[i] * F(SCALE))
        out[i] = mean[i] + F(np.sqrt(power)) * F(1.0 / SCALE) * draw[i]


@njit(**_OPTIONS)
def noisy(out, mean, conductance, address, words, constants, room):
    """Currents [A] of one read: `mean` with a draw of each `address`; `words` of the event,
    `room` for BLOCK draws.
    """
    for start in range(0, out.size, _BLOCK):
        to = min(start + _BLOCK, out.size)
        draw = room[: to - start]
        _draws(draw, address[start:to], words)
        _disturbed(out[start:to], mean[start:to], conductance[start:to], draw, constants)


def spectra(conductance: ArrayLike, rate: float) -> tuple[Floats, Floats, Floats]:
    """Welch spectra of series [cell, sample] read at `rate` [Hz].

    Returns frequency (n,), S_G / G^2 (cell, n) and mean conductance (cell,), from 4 / length of a
    segment to a quarter of the rate, averaged in bins of equal ratio.
    """
    from scipy.signal import welch

    series = np.atleast_2d(np.asarray(conductance, np.float64))
    samples = series.shape[1]
    if samples < FEWEST_SAMPLES or not np.isfinite(series).all():
        raise FitError(
            Problem(
                "series too short or not finite for a noise spectrum",
                got=f"{samples} samples",
                allowed=f"at least {FEWEST_SAMPLES} finite conductances a cell",
            )
        )
    length = samples // SEGMENTS
    frequency, power = welch(series, rate, nperseg=length, detrend="constant", axis=1)
    mean = series.mean(axis=1)
    used = (frequency >= 4.0 * rate / length) & (frequency <= HIGHEST * rate)
    edges = np.geomspace(frequency[used][0], frequency[used][-1] * 1.0001, 25)
    which = np.digitize(frequency[used], edges)
    bins = np.unique(which)
    centre = np.array([np.exp(np.log(frequency[used][which == b]).mean()) for b in bins])
    relative = np.array([power[:, used][:, which == b].mean(axis=1) for b in bins]).T
    return centre, relative / mean[:, None] ** 2, mean


def fit_noise(conductance: ArrayLike, rate: float) -> FitResult:
    """Fit `NoiseLaw` to repeated reads: series [cell, sample] in S at `rate` in Hz.

    Robust least squares of ln S over ln f and ln G; every cell weighs alike. With fewer than three
    levels the fall with conductance cannot be told: `noise.exponent` is then in `not_identified`. A
    white floor, the instrument's, is fitted beside the law and left out. Integration time and
    slowest fluctuation are conditions of use, not told by these data.

    Raises FitError for series that are too short or not finite.
    """
    from scipy.optimize import least_squares

    from tantala.cell.fit.held import held

    frequency, relative, mean = spectra(conductance, rate)
    reference = float(np.exp(np.log(mean).mean()))
    several = len(np.unique(np.round(np.log(mean), 1))) >= 3
    floor = np.log(relative[:, -1])

    def model(x: Floats) -> Floats:
        law = x[0] - (x[2] if several else 0.0) * np.log(mean / reference)[:, None]
        return np.logaddexp(law - x[1] * np.log(frequency), x[-1] - 2.0 * np.log(mean)[:, None])

    start = np.array(
        [np.log(relative).mean(), 1.0, 1.5, floor.min() + 2.0 * np.log(mean).min() - 4]
    )
    if not several:
        start = start[[0, 1, 3]]

    def errors(x: Floats) -> Floats:
        # A weak prior, slope 1 within 0.5: a floor and a slope of one cell cannot be told apart.
        return np.append((model(x) - np.log(relative)).ravel(), 2.0 * (x[1] - 1.0))

    # Robust: one cell with a strong telegraph signal must not set the level of all.
    solved = least_squares(errors, start, loss="soft_l1", f_scale=0.7)
    # One cell a level: the level of a single cell scatters by far more than its spectrum's error.
    scatter = (np.log(relative) - model(solved.x)).mean(axis=1)
    return _noise_result(
        solved.x, scatter, several, reference, frequency, relative, model, mean,
        asdict(held().noise),
    )  # fmt: skip


def _noise_result(
    x: Floats,
    scatter: Floats,
    several: bool,
    reference: float,
    frequency: Floats,
    relative: Floats,
    model: Callable[[Floats], Floats],
    mean: Floats,
    conditions: dict[str, float],
) -> FitResult:
    spread = float(scatter.std(ddof=1)) if len(scatter) > 1 else 0.5
    lever = np.log(mean / reference)
    extent = {
        "conductance": (float(mean.min()), float(mean.max()), "S"),
        "frequency": (float(frequency[0]), float(frequency[-1]), "Hz"),
    }
    numbers = [
        FittedNumber(
            "noise.level",
            float(np.exp(x[0])),
            "1",
            float(np.exp(x[0]) * spread / np.sqrt(len(mean))),
            extent,
        ),
        FittedNumber(
            "noise.reference_conductance", reference, "S", kind="derived", note="geometric mean"
        ),
        FittedNumber(
            "noise.lowest_conductance",
            float(mean.min()),
            "S",
            kind="derived",
            note="lowest measured; below it the relative noise is held, no measurement tells it",
        ),
        FittedNumber("noise.slope", float(x[1]), "1", None, extent),
    ]
    if several:
        error = spread / float(np.sqrt(np.sum(lever**2)))
        numbers.append(FittedNumber("noise.exponent", float(x[2]), "1", error, extent))
    notes = {
        "integration_time": "a read at speed; the measurement's own time is not recorded",
        "slowest": "slower fluctuation is in the relaxation law, counted from its verify delay",
    }
    for name, unit in (("integration_time", "s"), ("slowest", "Hz")):
        value = conditions[name]
        numbers.append(FittedNumber(f"noise.{name}", value, unit, kind="assumed", note=notes[name]))
    predicted = np.exp(model(x))
    curves = tuple(
        Curve(
            "noise spectrum",
            f"{level * 1e6:.3g} uS",
            "frequency [Hz]",
            "S_G / G^2 [1/Hz]",
            frequency,
            relative[cell],
            predicted[cell],
            x_log=True,
            y_log=True,
        )
        for cell, level in enumerate(mean)
    )
    rms = float(np.sqrt(np.mean((np.log(relative) - np.log(predicted)) ** 2)))
    return FitResult(
        "noise",
        tuple(numbers),
        (Goodness("rms error of ln S", rms, "1", relative.size),),
        curves,
        where=f"{len(mean)} series",
        not_identified=() if several else ("noise.exponent",),
    )
