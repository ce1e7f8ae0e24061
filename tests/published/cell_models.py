"""The model's side of each cell claim, through the public interface only.

Run as a program, this prints the table of claims against the model:

    python tests/published/cell_models.py [DATA_FOLDER] > docs/claims_cell.md
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from published_claims import Claim, markdown, read_claims

import tantala as tt
from tantala.base.quantity import to_si

CELLS = 40_000
BITS = 200_000
SEED = 20
FULL_SCALE = {"foundry_a": 240e-6, "foundry_b": 128e-6, "foundry_c": 40e-6}  # S, settings files
CYCLED = {"hfox_64k": (4_000, 50), "foundry_a": (712, 300)}  # cells, cycles
MAD_TO_SIGMA = 1.4826  # of a normal distribution

Array = np.ndarray
MODELS: dict[str, Callable[..., float]] = {}


def model(function: Callable[..., float]) -> Callable[..., float]:
    """Register a model function under its name."""
    MODELS[function.__name__] = function
    return function


def evaluate(claim: Claim, data: Path | None) -> float:
    """The model's value for a claim; `data` is the folder of measured data where one is needed."""
    extra: dict[str, Any] = {"data": data} if claim.model == "level_escape" else {}
    return float(MODELS[claim.model](claim.cell, **claim.arguments, **extra))


@functools.cache
def load(cell: str) -> Any:
    return tt.load_cell(cell)


def placed(cell: str, conductance: Array | float) -> Any:
    """Cells as just written at a conductance."""
    values = np.broadcast_to(np.asarray(conductance, float), (np.size(conductance),))
    if values.size == 1:
        values = np.full(CELLS, values[0])
    cells = load(cell).sample(values.size, seed=SEED)
    cells.place(values)
    return cells


# --- switching -----------------------------------------------------------------------------------


def _after_set(cell: str, width: str, bitline: str, wordline: str) -> Array:
    cells = placed(cell, 1 / 100e3)
    cells.set_pulse(bitline=bitline, wordline=wordline, width=width, temperature="25 degC")
    return np.asarray(cells.conductance, float)


@model
def set_probability(cell: str, width: str, bitline: str) -> float:
    return float(np.mean(_after_set(cell, width, bitline, "2.0 V") > 1 / 20e3))


@functools.cache
def _low_resistance(cell: str, wordline: str) -> Array:
    """log10 R under the table's conditions: bit lines of 2 V and above and all widths, mixed."""
    cells = placed(cell, 1 / 100e3)
    turn = np.arange(len(cells))
    bitline = np.array([2.0, 2.5, 3.0])[turn % 3]
    width = np.array([20e-9, 100e-9, 200e-9, 1e-6, 2e-6])[turn // 3 % 5]
    cells.set_pulse(bitline=bitline, wordline=wordline, width=width, temperature="25 degC")
    return np.log10(1 / np.asarray(cells.conductance, float))


@model
def low_resistance_median(cell: str, wordline: str) -> float:
    return float(10 ** np.median(_low_resistance(cell, wordline)))


@model
def low_resistance_sigma(cell: str, wordline: str) -> float:
    return float(np.std(_low_resistance(cell, wordline)))


@functools.cache
def _reset_ratio(cell: str, width: str, sourceline: str) -> Array:
    before = 1 / 9.38e3
    cells = placed(cell, before)
    cells.reset_pulse(sourceline=sourceline, wordline="3.0 V", width=width, temperature="25 degC")
    return before / np.asarray(cells.conductance, float)


@model
def reset_ratio_median(cell: str, width: str, sourceline: str) -> float:
    return float(np.median(_reset_ratio(cell, width, sourceline)))


@model
def reset_ratio_p95(cell: str, width: str, sourceline: str) -> float:
    return float(np.percentile(_reset_ratio(cell, width, sourceline), 95))


# --- cycling -------------------------------------------------------------------------------------


@functools.cache
def _cycled(cell: str) -> tuple[Array, Array]:
    """(low, high) resistance [cycle, cell] of 300 cycles of 712 cells, as those measured."""
    cells = load(cell).sample(712, seed=SEED)
    nominal = load(cell).nominal
    low, high = [], []
    for _ in range(300):
        cells.reset_pulse(
            sourceline=nominal.reset_sourceline,
            wordline=nominal.reset_wordline,
            width=nominal.reset_width,
        )
        high.append(1 / np.asarray(cells.conductance, float))
        cells.set_pulse(
            bitline=nominal.set_bitline, wordline=nominal.set_wordline, width=nominal.set_width
        )
        low.append(1 / np.asarray(cells.conductance, float))
    return np.array(low), np.array(high)


@model
def cycling_percentile_low(cell: str, percent: float) -> float:
    return float(np.percentile(_cycled(cell)[0], percent))


@model
def cycling_percentile_high(cell: str, percent: float) -> float:
    return float(np.percentile(_cycled(cell)[1], percent))


@model
def failed_reset_share(cell: str, cycle: int) -> float:
    """Share of full RESETs that end below 15 kohm, in a cycle of cells that had those before."""
    cells = load(cell).sample(BITS, seed=SEED)
    high = cells.cycle(cycle).high_resistance
    return float(np.mean(1.0 / np.asarray(high) <= 15e3))


@model
def autocorrelation(cell: str, state: str, lag: int) -> float:
    series = np.log(_cycled(cell)[1 if state == "high" else 0])
    inner = series - series.mean(axis=0)
    return float(np.mean(inner[lag:] * inner[:-lag]) / np.mean(inner**2))


@model
def cycle_spread(cell: str, state: str) -> float:
    decades = np.log10(_cycled(cell)[1 if state == "high" else 0])
    return float(np.sqrt(np.mean(np.var(decades, axis=0))))


@model
def cell_spread(cell: str, state: str) -> float:
    decades = np.log10(_cycled(cell)[1 if state == "high" else 0])
    return float(np.std(np.median(decades, axis=0)))


@model
def high_low_correlation(cell: str) -> float:
    low, high = (np.log(values) for values in _cycled(cell))
    low, high = low - low.mean(axis=0), high - high.mean(axis=0)
    return float(np.corrcoef(low.ravel(), high.ravel())[0, 1])


# --- relaxation and bakes ------------------------------------------------------------------------


@functools.cache
def _shift(cell: str, time: str, temperature: str = "25 degC") -> tuple[Array, Array]:
    """(g before / full scale, change in uS) of cells spread evenly over the full scale."""
    full = FULL_SCALE[cell]
    before = (np.arange(8 * CELLS) + 0.5) / (8 * CELLS) * full
    cells = placed(cell, before)
    cells.wait(time, temperature=temperature)
    return before / full, (np.asarray(cells.conductance, float) - before) * 1e6


def _of_eighth(shift: tuple[Array, Array], eighth: int) -> Array:
    level, change = shift
    return change[np.floor(level * 8) == eighth]


@model
def relaxation_std(cell: str, time: str) -> float:
    return float(np.std(_shift(cell, time)[1]))


@model
def relaxation_mad(cell: str, time: str) -> float:
    change = _shift(cell, time)[1]
    return float(MAD_TO_SIGMA * np.median(np.abs(change - np.median(change))))


@model
def relaxation_std_of_eighth(cell: str, time: str, eighth: int) -> float:
    return float(np.std(_of_eighth(_shift(cell, time), eighth)))


@model
def relaxation_quantile(cell: str, time: str, percent: float) -> float:
    return float(np.percentile(_shift(cell, time)[1], percent))


@model
def bake_std(cell: str, temperature: str, time: str, eighth: int) -> float:
    return float(np.std(_of_eighth(_shift(cell, time, temperature), eighth)))


@model
def bake_mean(cell: str, temperature: str, time: str, eighth: int) -> float:
    return float(np.mean(_of_eighth(_shift(cell, time, temperature), eighth)))


@model
def bake_fall_fraction(cell: str, temperature: str, time: str, threshold: float) -> float:
    level, change = _shift(cell, time, temperature)
    after = level + change * 1e-6 / FULL_SCALE[cell]
    return float(np.mean(after[level > 0.6] < threshold))


@model
def bake_rise_fraction(cell: str, temperature: str, time: str) -> float:
    level, change = _shift(cell, time, temperature)
    after = level + change * 1e-6 / FULL_SCALE[cell]
    return float(np.mean(after[level < 0.1] > 0.3))


# --- write-verify --------------------------------------------------------------------------------

LEVELS = {  # windows of the RADAR repository, ohm
    0: (0.0, 5.0e3),
    1: (5.77e3, 6.01e3),
    2: (8.51e3, 9.31e3),
    3: (80e3, np.inf),
}


@functools.cache
def _multilevel(cell: str, scheme: str) -> tuple[Array, Array, Array]:
    """(level, pulses, ok) of 8,192 cells written to four levels in random order of state."""
    count = 8_192
    level = np.arange(count) % 4
    cells = load(cell).sample(count, seed=SEED)
    cells.cycle(1)
    low_ohm = np.array([LEVELS[k][0] for k in range(4)])[level]
    high_ohm = np.array([LEVELS[k][1] for k in range(4)])[level]
    with np.errstate(divide="ignore"):
        outcome = cells.write_verify(1 / high_ohm, 1 / low_ohm, scheme=scheme)
    return level, np.asarray(outcome.pulses), np.asarray(outcome.ok)


@model
def multilevel_mean_pulses(cell: str, scheme: str) -> float:
    return float(np.mean(_multilevel(cell, scheme)[1]))


@model
def level_one_tail(cell: str, scheme: str) -> float:
    """Pulses that one cell in a hundred exceeds when written to level 1."""
    level, pulses, _ = _multilevel(cell, scheme)
    return float(np.percentile(pulses[level == 1], 99.0))


@model
def middle_level_success(cell: str, scheme: str) -> float:
    level, _, ok = _multilevel(cell, scheme)
    return float(np.mean(ok[(level == 1) | (level == 2)]))


@functools.cache
def _one_bit(cell: str, scheme: str) -> tuple[float, float]:
    """(energy a bit [J], share of wrong bits 1 s later) of random bits over random bits."""
    write = load(cell).item
    low = write.value("write.low_resistance_verify", "S")
    high = write.value("write.high_resistance_verify", "S")
    draws = np.random.default_rng(SEED)
    cells = load(cell).sample(BITS, seed=SEED)
    for _ in range(2):  # the first write only makes the old bits
        want_low = draws.random(BITS) < 0.5
        outcome = cells.write_verify(
            np.where(want_low, low, 0.0), np.where(want_low, np.inf, high), scheme=scheme
        )
    cells.wait("1 s", extrapolate=True)
    found_low = np.asarray(cells.conductance) > np.sqrt(low * high)
    return float(np.mean(outcome.energy)), float(np.mean(found_low != want_low))


@model
def write_energy_per_bit(cell: str, scheme: str) -> float:
    return 1e9 * _one_bit(cell, scheme)[0]


@model
def write_error_rate(cell: str, scheme: str) -> float:
    return _one_bit(cell, scheme)[1]


@functools.cache
def _verified(data: Path) -> tuple[Array, Array, Array]:
    """(conductance at the final verify, read level low and high as conductance) of chip 13.

    Of the writes that ended in their window; the others were never in their level.
    """
    from tantala.cell.fit.tables import read_table

    table = read_table(data / "hfox64k_ni/mlc_write_relax_chip13.tsv.gz")
    first = np.flatnonzero(table["time_after"] == 0)
    first = first[first + 1 < table.rows]
    written = table["resistance"][first]
    inside = (written >= table["window_low"][first]) & (written <= table["window_high"][first])
    # The rows after the verify hold the read level of the write.
    level = first + 1
    inside &= np.isfinite(table["read_high"][level])
    with np.errstate(divide="ignore"):
        edges = 1 / table["read_high"][level], 1 / table["read_low"][level]
    return 1 / written[inside], edges[0][inside], edges[1][inside]


@model
def level_escape(cell: str, time: str, data: Path | None = None) -> float:
    assert data is not None
    before, low, high = _verified(data)
    cells = placed(cell, before)
    cells.wait(time, temperature="25 degC")
    now = np.asarray(cells.conductance, float)
    return float(np.mean((now < low) | (now > high)))


# --- forming, noise, endurance -------------------------------------------------------------------


@model
def forming_fraction(cell: str, bitline: str) -> float:
    voltages = np.asarray(load(cell).sample(CELLS, seed=SEED).forming_voltage())
    return float(np.mean(voltages <= to_si(bitline, "V")))


@model
def forming_sigma(cell: str) -> float:
    return float(np.std(load(cell).sample(CELLS, seed=SEED).forming_voltage()))


@model
def noise_ratio(cell: str) -> float:
    law = load(cell).law("noise")
    return float(law.spectrum(10e-6, 1.0) / law.spectrum(250e-6, 1.0))


@model
def noise_slope(cell: str) -> float:
    law = load(cell).law("noise")
    return float(np.log10(law.spectrum(100e-6, 10.0) / law.spectrum(100e-6, 1.0)))


@model
def conductance_ratio(cell: str, conductance: str) -> float:
    cells = placed(cell, to_si(conductance, "S"))
    currents = [cells.read(voltage=v, noise=False)[0] / v for v in (0.35, 0.1)]
    return float(currents[0] / currents[1])


@model
def window_open_fraction(cell: str, wordline: str, cycles: int) -> float:
    """As in the table: a window is lost after five checks in a row with R_high < 2 R_low.

    With the nominal RESET: in the checks' 1 us at 3.0 V the cells of reset_sweep do not reset.
    """
    cells = load(cell).sample(2_000, seed=SEED)
    cells.cycle(cycles, set_wordline=wordline)
    lost = np.ones(len(cells), bool)
    for _ in range(5):
        check = cells.cycle(1, set_wordline=wordline)
        lost &= check.low_resistance < 2.0 * check.high_resistance  # conductances
    return float(np.mean(~lost))


def main(data: Path) -> str:
    """The Markdown table of all claims against the model."""
    claims = read_claims("cell_claims.toml")
    return markdown(claims, {claim.id: evaluate(claim, data) for claim in claims})


if __name__ == "__main__":
    import sys

    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    sys.stdout.write(main(Path(sys.argv[1]) if len(sys.argv) > 1 else beside))
