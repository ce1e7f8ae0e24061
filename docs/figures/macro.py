"""Draws the figures of the model page on the macro.

    python docs/figures/macro.py

writes SVG files beside the page, from the installed package and its library.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from tantala.macro import load_design
from tantala.macro.silicon import compare

PAGES = Path(__file__).parent.parent / "models"
MARKS = {"calibration": "C0o", "check": "C1s"}


def front() -> plt.Figure:
    """Pareto front of the default design: area over read time, coloured by read energy."""
    macro = load_design("embedded_8mb_28nm").macro()
    found = macro.search()
    column = {name: index for index, name in enumerate(found.figures)}
    area = found.front[:, column["area_m2"]] * 1e6
    read = found.front[:, column["read_latency_s"]] * 1e9
    energy = found.front[:, column["read_energy_per_bit_J"]] * 1e12
    chosen = macro.evaluate("typical", macro.design.environment.temperature_typical)
    figure, axis = plt.subplots(figsize=(5, 3.4), layout="constrained")
    points = axis.scatter(read, area, c=energy, s=14, cmap="viridis", rasterized=True)
    axis.plot(
        chosen["read_latency_s"] * 1e9, chosen["area_m2"] * 1e6, "r*", ms=12, label="the design's"
    )
    axis.set(xlabel="read access [ns]", ylabel="area [mm²]", xscale="log", yscale="log")
    for direction, values in ((axis.xaxis, read), (axis.yaxis, area)):
        ticks = [t for t in (0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50) if t <= values.max()]
        direction.set_ticks([t for t in ticks if t >= values.min()])
        direction.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        direction.set_minor_formatter(mpl.ticker.NullFormatter())
    figure.colorbar(points, label="read energy [pJ/bit]")
    axis.legend(frameon=False)
    return figure


def silicon() -> plt.Figure:
    """Predicted over published: read time and area of macros, currents of serial chips."""
    rows = [(row.name, c) for row in compare() for c in row.comparisons]
    labels = [f"{name}  {c.figure.replace('_', ' ')}" for name, c in rows]
    figure, axis = plt.subplots(figsize=(7, 0.22 * len(rows) + 0.8), layout="constrained")
    for at, (_, comparison) in enumerate(rows):
        band = comparison.band
        axis.plot([1 / band, band], [at, at], color="0.85", lw=6, solid_capstyle="butt")
        axis.plot(comparison.ratio, at, MARKS[comparison.use], ms=5)
    for use, mark in MARKS.items():
        axis.plot([], [], mark, ms=5, label=use)
    axis.axvline(1.0, color="0.4", lw=0.8)
    axis.set(xscale="log", xlabel="predicted over published")
    axis.set_yticks(np.arange(len(rows)), labels, fontsize="small")
    axis.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    axis.minorticks_off()
    axis.invert_yaxis()
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=2)
    return figure


def main() -> None:
    """Write every figure."""
    mpl.rcParams.update({"svg.hashsalt": "tantala", "svg.fonttype": "none", "font.size": 9})
    for draw in (front, silicon):
        draw().savefig(PAGES / f"{draw.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
