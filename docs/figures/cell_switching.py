"""Figures of the model pages on conduction, switching, variability, forming and endurance.

Lines are the shipped cells through the public interface; open circles are published values, read
from the claims of tests/published.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from scipy.special import ndtri
from style import COLOURS, DATA, claimed, panels, save, ticks

import tantala as tt
from tantala.base.quantity import to_si
from tantala.cell.variability import drift_autocorrelation

CELL = "hfox_64k"
CELLS = 4_000
WIDTHS = ("20 ns", "200 ns", "2 us")


def _placed(conductance: float, count: int = CELLS):
    cells = tt.load_cell(CELL).sample(count, seed=1)
    cells.place(np.full(count, conductance))
    return cells


def conduction() -> plt.Figure:
    """Current against voltage, and the curvature of the I-V over conductance."""
    law = tt.load_cell(CELL).conduction
    figure, (left, right) = panels(2)
    volts = np.linspace(0.0, 0.35, 80)
    for microsiemens in (5, 20, 50, 100):
        g = microsiemens * 1e-6
        left.plot(volts, law.current(g, volts) / (g * volts.clip(1e-9)), label=f"{microsiemens} µS")
    left.set(xlabel="voltage [V]", ylabel="I(V) / (G V)", xlim=(0.02, 0.35), ylim=(0.8, 1.3))
    left.legend(title="G at 0.2 V")
    g = np.geomspace(2e-6, 2e-4, 120)
    right.semilogx(g * 1e6, law.chord(g, 0.35) / law.chord(g, 0.1), label="law")
    rows = claimed("CA10 I-V")
    at = [to_si(row["conductance"], "S") * 1e6 for row in rows]
    right.plot(at, [row["published"] for row in rows], label="measured medians", **DATA)
    right.set(xlabel="conductance [µS]", ylabel="G(0.35 V) / G(0.1 V)")
    ticks(right.xaxis, (2, 5, 10, 20, 50, 100, 200))
    right.legend()
    return figure


def set_pulse() -> plt.Figure:
    """SET probability over bit-line voltage, and the state reached over word-line voltage."""
    figure, (left, right) = panels(2)
    volts = np.linspace(0.4, 2.0, 41)
    rows = claimed("CA2")
    for width, colour in zip(WIDTHS, COLOURS, strict=False):
        share = []
        for bitline in volts:
            cells = _placed(1 / 100e3)
            cells.set_pulse(float(bitline), "2.0 V", width)
            share.append(np.mean(cells.conductance > 1 / 20e3))
        left.plot(volts, share, color=colour, label=width.replace("u", "µ"))
        seen = [row for row in rows if row["width"] == width and to_si(row["bitline"], "V") <= 2.0]
        at = [to_si(row["bitline"], "V") for row in seen]
        left.plot(at, [row["published"] for row in seen], color=colour, **DATA)
    left.set(xlabel="bit line [V]", ylabel="share of cells below 20 kΩ", ylim=(-0.03, 1.05))
    left.legend(title="pulse")
    gates = np.linspace(0.9, 3.1, 30)
    quantiles = []
    for gate in gates:
        cells = _placed(1 / 100e3)
        cells.set_pulse("2.5 V", float(gate), "1 us")
        quantiles.append(np.quantile(1e-3 / cells.conductance, [0.05, 0.5, 0.95]))
    low, median, high = np.transpose(quantiles)
    right.fill_between(gates, low, high, alpha=0.2, linewidth=0, label="5 to 95 % of cells")
    right.plot(gates, median, label="median")
    rows = claimed("CA3 median")
    at = [to_si(row["wordline"], "V") for row in rows]
    right.plot(at, [row["published"] / 1e3 for row in rows], label="measured median", **DATA)
    right.set(xlabel="word line [V]", ylabel="resistance after SET [kΩ]", ylim=(5, 16))
    right.legend()
    return figure


def reset_pulse() -> plt.Figure:
    """Resistance after one RESET pulse from 9.4 kohm, over its width."""
    figure, axes = panels(2, sharey=True)
    widths = np.geomspace(20e-9, 2e-6, 25)
    before = 1 / 9.38e3
    for axis, quantile, group, title in (
        (axes[0], 0.5, "CA4 median", "median"),
        (axes[1], 0.95, "CA4 p95", "95th percentile"),
    ):
        rows = claimed(group)
        for volts, colour in zip((2.5, 3.0), COLOURS, strict=False):
            ratios = []
            for width in widths:
                cells = _placed(before)
                cells.reset_pulse(volts, "3.0 V", float(width))
                ratios.append(np.quantile(before / cells.conductance, quantile))
            axis.loglog(widths * 1e9, ratios, color=colour, label=f"{volts} V")
            seen = [row for row in rows if row["sourceline"] == f"{volts} V"]
            at = [to_si(row["width"], "s") * 1e9 for row in seen]
            axis.plot(at, [row["published"] for row in seen], color=colour, **DATA)
        axis.set(xlabel="pulse width [ns]", title=title)
        ticks(axis.xaxis, (20, 50, 100, 200, 500, 1000, 2000))
    ticks(axes[0].yaxis, (1, 1.5, 2, 3, 5))
    axes[0].set_ylabel("R after / R before")
    axes[0].legend(title="source line")
    return figure


def variability() -> plt.Figure:
    """Both states as normal plots, and the autocorrelation of the drift."""
    figure, (left, right) = panels(2)
    cells = tt.load_cell(CELL).sample(20_000, seed=3)
    cells.cycle(25)
    low = np.sort(1.0 / cells.conductance)
    cells.reset_pulse()
    high = np.sort(1.0 / cells.conductance)
    score = ndtri((np.arange(low.size) + 0.5) / low.size)
    for state, name, groups in (
        (low, "after SET", ("CA5 LRS hfox_64k",)),
        (high, "after RESET", ("CA5 HRS hfox_64k", "CA5 HRS tails hfox_64k")),
    ):
        (line,) = left.semilogx(state / 1e3, score, label=name)
        rows = [row for group in groups for row in claimed(group)]
        at = [ndtri(row["percent"] / 100) for row in rows]
        left.plot([row["published"] / 1e3 for row in rows], at, color=line.get_color(), **DATA)
    left.set(xlabel="resistance [kΩ]", ylabel="normal score", ylim=(-3.6, 3.6))
    ticks(left.xaxis, (10, 100, 1000, 10000))
    left.legend()
    lag = np.arange(1, 65)
    law = tt.load_cell(CELL).variability
    for state in ("low", "high"):
        cell, slow, _ = (part**2 for part in law.shares(state))
        right.plot(
            lag,
            cell + slow * drift_autocorrelation(lag, 2**law.drift_shift),
            label=f"{state} state",
        )
    right.set(xlabel="lag [cycles]", ylabel="correlation of the draws", ylim=(0, None))
    right.legend()
    return figure


def forming() -> plt.Figure:
    """Formed share over the bit line, for three pulse widths."""
    law = tt.load_cell(CELL).forming
    figure, (axis,) = panels(1)
    volts = np.linspace(2.0, 4.4, 120)
    for width in ("100 ns", "1 us", "100 us"):
        axis.plot(volts, law.probability(volts, to_si(width, "s")), label=width.replace("u", "µ"))
    axis.set(xlabel="bit line [V]", ylabel="share of formed cells", ylim=(-0.02, 1.02))
    axis.legend(title="pulse")
    return figure


def endurance() -> plt.Figure:
    """Stuck cells over SET pulses at several word lines; drawn cells beside the law."""
    law = tt.load_cell(CELL).endurance
    figure, (axis,) = panels(1)
    pulses = np.geomspace(1e3, 1e7, 100)
    for gate, colour in zip((1.4, 1.6, 1.9, 2.2), COLOURS, strict=False):
        axis.loglog(pulses, law.stuck_fraction(pulses, gate), color=colour, label=f"{gate} V")
        for count in (10_000, 100_000, 1_000_000, 10_000_000):
            cells = tt.load_cell(CELL).sample(20_000, seed=5)
            cells.cycle(count, set_wordline=gate)
            stuck = np.mean((cells.flags & 2) > 0)
            if stuck * 20_000 > 5:
                axis.plot(count, stuck, color=colour, **DATA)
    axis.set(xlabel="SET pulses", ylabel="share of stuck cells", ylim=(1e-4, 1.3))
    axis.legend(title="word line (circles: 20,000 cells)")
    return figure


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    save(folder, (conduction, set_pulse, reset_pulse, variability, forming, endurance))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
