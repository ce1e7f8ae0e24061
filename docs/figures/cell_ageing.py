"""Figures of the model pages on relaxation, retention, levels, read noise and read disturb.

Lines are the shipped cells through the public interface; open circles are published values, read
from the claims of tests/published, or counted cells where the legend says so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import COLOURS, DATA, claimed, panels, save, ticks

import tantala as tt
from tantala.base.library import names
from tantala.base.quantity import to_si

CELLS = 40_000
MAD_TO_SIGMA = 1.4826  # of a normal distribution
STATES = np.arange(8)


def _full_scale(cell: str) -> float:
    return tt.load_cell(cell).law("relaxation").full_scale


def _change(cell: str, time: float, kelvin: float) -> tuple[np.ndarray, np.ndarray]:
    """(eighth of full scale, change of conductance in uS) of cells spread over the full scale."""
    before = (np.arange(CELLS) + 0.5) / CELLS * _full_scale(cell)
    cells = tt.load_cell(cell).sample(CELLS, seed=2)
    cells.place(before)
    cells.wait(time, kelvin)
    eighth = np.floor(before / _full_scale(cell) * 8)
    return eighth, (np.asarray(cells.conductance, float) - before) * 1e6


def relaxation() -> plt.Figure:
    """Spread of the change after a write over time, and its profile over the state."""
    figure, (left, right) = panels(2)
    for cell, longest, colour in (("foundry_b", 1e3, COLOURS[0]), ("foundry_c", 1e5, COLOURS[1])):
        times = np.geomspace(1e-2, longest, 12)
        changes = [_change(cell, float(time), 298.15)[1] for time in times]
        deviation = [np.std(change) for change in changes]
        robust = [
            MAD_TO_SIGMA * np.median(np.abs(change - np.median(change))) for change in changes
        ]
        left.loglog(times, deviation, color=colour, label=f"{cell}, deviation")
        left.loglog(times, robust, color=colour, linestyle="--", label="robust (1.48 MAD)")
        for group in ("std", "MAD"):
            rows = claimed(f"CA6 {group} {cell}")
            at = [to_si(row["time"], "s") for row in rows]
            left.plot(at, [row["published"] for row in rows], color=colour, **DATA)
        eighth, change = _change(cell, 1.0, 298.15)
        spread = [np.std(change[eighth == state]) for state in STATES]
        right.plot((STATES + 0.5) / 8, spread, color=colour, label=cell)
        rows = [row for row in claimed(f"CA6 eighths {cell}") if row["time"] == "1 s"]
        at = [(row["eighth"] + 0.5) / 8 for row in rows]
        right.plot(at, [row["published"] for row in rows], color=colour, **DATA)
    left.set(xlabel="time after write [s]", ylabel="change of conductance [µS]", ylim=(0.2, 20))
    left.legend(ncols=2, loc="upper left", fontsize="x-small")
    right.set(xlabel="G / full scale", ylabel="standard deviation at 1 s [µS]", ylim=(0, None))
    right.legend()
    return figure


def retention() -> plt.Figure:
    """Mean change and spread in bakes, per eighth of full scale."""
    cells = [name for name in ("foundry_a", "foundry_b") if name in names("cell")]
    figure, axes = plt.subplots(
        len(cells), 2, figsize=(7.2, 2.7 * len(cells)), layout="constrained", squeeze=False
    )
    for cell, row in zip(cells, axes, strict=True):
        for axis, what, label in ((row[0], "mean", "mean"), (row[1], "sigma", "deviation")):
            rows = claimed(f"CA7 {what} {cell}")
            bakes = list(dict.fromkeys((r["temperature"], r["time"]) for r in rows))
            for (temperature, time), colour in zip(bakes, COLOURS, strict=False):
                eighth, change = _change(cell, to_si(time, "s"), to_si(temperature, "K"))
                of = np.mean if what == "mean" else np.std
                values = [of(change[eighth == state]) for state in STATES]
                name = f"{temperature.replace('degC', '°C')}, {time}"
                axis.plot((STATES + 0.5) / 8, values, color=colour, label=name)
                seen = [r for r in rows if (r["temperature"], r["time"]) == (temperature, time)]
                at = [(r["eighth"] + 0.5) / 8 for r in seen]
                axis.plot(at, [r["published"] for r in seen], color=colour, **DATA)
            axis.set(xlabel="G / full scale", ylabel=f"{label} of the change [µS]", title=cell)
        row[0].axhline(0.0, color="0.4", linewidth=0.8)
        row[0].legend(fontsize="x-small")
        row[0].margins(y=0.2)
        row[1].set_ylim(0, None)
    return figure


def levels() -> plt.Figure:
    """Tails of both levels of a bit, as written and aged; counted cells where they suffice."""
    cell = tt.load_cell("embedded_28nm")
    figure, (axis,) = panels(1)
    g = np.geomspace(0.5e-6, 300e-6, 400)
    for (time, name), colour in zip(
        ((0.0, "as written"), ("10 years", "10 years at 85 °C")), COLOURS, strict=False
    ):
        for state in ("low", "high"):
            level = cell.levels(state, time=time, temperature="85 degC", extrapolate=True)
            share = level.below(g) if state == "low" else level.above(g)
            axis.loglog(g * 1e6, share, color=colour, label=name if state == "low" else None)
            counted = _counted(state, time)
            for p in (1e-3, 1e-2, 1e-1):
                at = np.quantile(counted, p if state == "low" else 1.0 - p)
                axis.plot(at * 1e6, p, color=colour, **DATA)
    axis.plot([], [], color="0.4", label="20,000 counted cells", **DATA)
    axis.set(
        xlabel="conductance [µS]",
        ylabel="share of cells beyond",
        ylim=(1e-18, 2),
        xlim=(1, 300),
        yticks=[10.0**-k for k in range(0, 19, 3)],
    )
    ticks(axis.xaxis, (1, 3, 10, 30, 100, 300))
    axis.legend()
    return figure


def _counted(state: str, time: float | str) -> np.ndarray:
    """Sensed conductances of written and aged cells, S."""
    from tantala.cell.write_scheme import Scheme

    cell = tt.load_cell("embedded_28nm")
    settings = Scheme.of(cell, "ispp").settings
    cells = cell.sample(20_000, seed=11)
    low, high = (settings.low_resistance_verify, np.inf), (0.0, settings.high_resistance_verify)
    first, last = (high, low) if state == "low" else (low, high)
    cells.write_verify(*first)
    outcome = cells.write_verify(*last)
    if time:
        cells.wait(time, "85 degC", extrapolate=True)
    return (cells.read() / cell.nominal.read_voltage)[outcome.ok]


def read_noise() -> plt.Figure:
    """Relative deviation of one read over conductance, and the spectrum."""
    cell = tt.load_cell("hfox_64k")
    law = cell.noise
    figure, (left, right) = panels(2)
    g = np.geomspace(1e-6, 200e-6, 200)
    for nanoseconds, colour in zip((5, 50, 500), COLOURS, strict=False):
        current = 0.2 * g
        total = law.current_deviation(current, g, 298.15, nanoseconds * 1e-9) / current
        left.loglog(g * 1e6, 100 * total, color=colour, label=f"{nanoseconds} ns")
    left.loglog(g * 1e6, 100 * law.relative_deviation(g), "k:", linewidth=1, label="cell alone")
    left.set(xlabel="conductance [µS]", ylabel="deviation of one read [%]")
    ticks(left.xaxis, (1, 3, 10, 30, 100))
    ticks(left.yaxis, (0.3, 1, 3, 10, 30, 100))
    left.legend(title="read at 0.2 V")
    frequency = np.geomspace(1e-2, 1e6, 50)
    for microsiemens in (10, 30, 100):
        right.loglog(
            frequency, law.spectrum(microsiemens * 1e-6, frequency), label=f"{microsiemens} µS"
        )
    right.set(xlabel="frequency [Hz]", ylabel="S / G² [1/Hz]")
    right.legend()
    return figure


def read_disturb() -> plt.Figure:
    """The longest stress that disturbs a given share of cells, over read voltage."""
    law = tt.load_cell("hfox_64k").disturb
    figure, (axis,) = panels(1)
    volts = np.linspace(0.1, 0.7, 50)
    year = 365.25 * 86400.0
    for power in (-2, -6, -9):
        axis.semilogy(volts, law.longest_stress(volts, 10.0**power), label=f"$10^{{{power}}}$")
    axis.axhline(10 * year, color="0.4", linewidth=0.8)
    axis.text(0.7, 10 * year, "10 years", ha="right", va="bottom", fontsize="small", color="0.3")
    axis.set(xlabel="read voltage [V]", ylabel="stress until disturbed [s]")
    axis.legend(title="share of cells")
    return figure


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    save(folder, (relaxation, retention, levels, read_noise, read_disturb))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
