"""Draws the figures of the model pages on technology, circuits and codes.

    python docs/figures/technology_and_circuits.py

writes SVG files beside the pages, from the installed package and its library.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from scipy.stats import binom

from tantala.base.library import load_item
from tantala.circuit import (
    SenseAmplifier,
    SenseCurrents,
    WindowClosed,
    charge_pump,
    load_circuits,
    make_code,
)
from tantala.technology import Line, load_technology
from tantala.technology.node import from_item, interpolate

PAGES = Path(__file__).parent.parent / "models"
NODES = ("22nm", "28nm", "40nm", "65nm", "130nm", "180nm")
ZERO_CELSIUS = 273.15


def nodes() -> plt.Figure:
    """Delay, gate energy and wire resistance over the node."""
    anchors = [from_item(load_item("technology", name)) for name in NODES]
    sweep = np.geomspace(22e-9, 180e-9, 120)
    processes = [interpolate(anchors, node).at() for node in sweep]
    exact = [anchor.at() for anchor in anchors]
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    panels = (
        ("FO4 delay [ps]", lambda p: p.fo4 * 1e12),
        ("gate energy [fJ]", lambda p: p.gate_energy * 1e15),
        ("local wire [Ω/µm]", lambda p: p.local.resistance * 1e-6),
    )
    for axis, (label, figure_of) in zip(axes, panels, strict=True):
        axis.loglog(sweep * 1e9, [figure_of(p) for p in processes], color="C0")
        axis.loglog([p.node * 1e9 for p in exact], [figure_of(p) for p in exact], "o", color="C1")
        axis.set(xlabel="node [nm]", ylabel=label)
        axis.set_xticks([22, 40, 65, 130, 180], ["22", "40", "65", "130", "180"])
        axis.minorticks_off()
    axes[0].set_yticks([15, 20, 30, 40, 50, 70], ["15", "20", "30", "40", "50", "70"])
    return figure


def leakage() -> plt.Figure:
    """Off current of core and thick-oxide devices over temperature, three corners."""
    technology = load_technology("28nm")
    celsius = np.linspace(-40, 150, 60)
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    for corner, style in (("slow", ":"), ("typical", "-"), ("fast", "--")):
        at = [technology.at(corner, t + ZERO_CELSIUS) for t in celsius]
        axis.semilogy(celsius, [p.core.off_current(1e-6) * 1e9 for p in at], "C0" + style)
        axis.semilogy(celsius, [p.io.off_current(1e-6) * 1e9 for p in at], "C1" + style)
    axis.plot([], [], "C0-", label="core")
    axis.plot([], [], "C1-", label="thick oxide")
    axis.set(xlabel="temperature [°C]", ylabel="off current [nA/µm]")
    axis.legend(title="slow · · ·   typical —   fast - -", frameon=False, title_fontsize="small")
    return figure


def sensing() -> plt.Figure:
    """Sense time against the window, for three low resistances."""
    process, circuits = load_technology("28nm").at(), load_circuits()
    amplifier = SenseAmplifier(process, circuits, 0.2)
    line = Line.of(process.local, 100e-6, 0.4e-9)
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    for low in (10e3, 30e3, 100e3):
        windows, times = [], []
        for window in np.geomspace(1.05, 100, 200):
            high_current, low_current = 0.2 / low, 0.2 / (low * window)
            reference = 0.5 * (high_current + low_current)
            try:
                time = amplifier.time(
                    SenseCurrents(high_current, low_current, reference), line, 10e-15, 1e-6
                )
            except WindowClosed:
                continue
            windows.append(window)
            times.append(time.total * 1e9)
        axis.loglog(windows, times, label=f"{low / 1e3:.0f} kΩ")
    axis.set(xlabel="high over low resistance (tails)", ylabel="sense time [ns]")
    axis.set_xticks([1, 2, 5, 10, 100], ["1", "2", "5", "10", "100"])
    axis.legend(title="low resistance", frameon=False)
    return figure


def pump() -> plt.Figure:
    """Pump area and efficiency over its output voltage."""
    process, circuits = load_technology("28nm").at(), load_circuits()
    voltage = np.linspace(1.0, 3.3, 300)
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    right = axis.twinx()
    for source, colour in ((1.8, "C0"), (0.9, "C1")):
        made = charge_pump(process, circuits, voltage, 1e-3, source)
        axis.plot(voltage, made.cost.area * 1e9, colour, label=f"from {source} V")
        right.plot(voltage, 100 * made.efficiency, colour + ":")
    axis.set(xlabel="output [V]", ylabel="area at 1 mA [10³ µm²]", ylim=(0, None))
    right.set(ylabel="efficiency [%] (dotted)", ylim=(0, 100))
    axis.legend(frameon=False)
    return figure


def codes() -> plt.Figure:
    """Word failure of the codes: binomial line, and dots from decoding drawn errors."""
    rng = np.random.default_rng(0)
    figure, axis = plt.subplots(figsize=(5, 3), layout="constrained")
    rates = np.geomspace(1e-4, 3e-2, 60)
    for index, name in enumerate(("secded", "bch2", "bch3")):
        code = make_code(name, 128)
        colour = f"C{index}"
        axis.loglog(rates, binom.sf(code.t, code.n, rates), colour, label=code.name)
        for rate in np.geomspace(3e-4, 2e-2, 6):
            words, failures = 40_000, 0
            data = np.zeros((words, code.data_bytes), np.uint8)
            check = np.zeros(words, np.uint64)
            bits = rng.random((words, code.n)) < rate
            data |= np.packbits(bits[:, : code.k], axis=1, bitorder="little")
            for bit in range(code.r):
                check |= bits[:, code.k + bit].astype(np.uint64) << np.uint64(bit)
            result = code.decode(data, check)
            failures = np.count_nonzero(result.failed | result.data.any(axis=1))
            if failures > 5:
                axis.loglog(rate, failures / words, "o", color=colour, markersize=4)
    axis.set(xlabel="raw bit error rate", ylabel="word failure", ylim=(1e-9, 1))
    axis.legend(frameon=False)
    return figure


def main() -> None:
    """Write every figure."""
    mpl.rcParams.update(
        {
            "svg.hashsalt": "tantala",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.grid": True,
            "grid.alpha": 0.3,
        }
    )
    for draw in (nodes, leakage, sensing, pump, codes):
        draw().savefig(PAGES / f"{draw.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
