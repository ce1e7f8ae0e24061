"""Figures of the page on compact models: SET time over voltage, and a transient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import COLOURS, DATA, claimed, panels, save

import tantala as tt
from tantala.cell.compact import load_compact

FILE = "compact_claims.toml"
# Model -> (title, group of published SET times, its temperature in K, voltages, end of the SET).
SETS = {
    "sky130": ("SKY130", "CA1 SKY130 SET", 300.0, (0.7, 1.7), None),
    "stanford_v1": ("Stanford v1", "CA1 Stanford SET", 298.0, (1.35, 2.2), None),
    "jart_vcm_1b": ("JART VCM v1b", "CA1 JART SET", 293.0, (0.2, 2.0), 10e26),
}


def set_times() -> plt.Figure:
    """Time of a full SET of the bare cell over voltage, three models."""
    figure, (axis,) = panels(1)
    for (name, (title, group, kelvin, ends, stop)), colour in zip(
        SETS.items(), COLOURS, strict=False
    ):
        model = load_compact(name)
        volts = np.linspace(*ends, 40)
        start, last = model.states
        times = model.switching_time(
            model.polarity * volts, start, stop or last, temperature=kelvin
        )
        axis.semilogy(volts, times, color=colour, label=title)
        rows = [row for row in claimed(group, FILE) if row["temperature"] == kelvin]
        at = [row["voltage"] for row in rows]
        axis.plot(at, [row["published"] for row in rows], color=colour, **DATA)
    axis.plot([], [], color="0.4", label="independent solution", **DATA)
    axis.set(xlabel="voltage over the bare cell [V]", ylabel="SET time [s]")
    axis.legend()
    return figure


def transient() -> plt.Figure:
    """A SET of the SKY130 cell behind its select transistor: conductance, current, temperature."""
    cell = tt.load_cell("sky130")
    figure, axes = panels(3)
    for gate, colour in zip((1.4, 1.7, 2.0), COLOURS, strict=False):
        times = np.concatenate([[0.0], np.geomspace(1e-10, 1e-6, 160)])
        trace = cell.transient("2.4 V", "1 us", series=cell.transistor.at(gate), times=times)
        for axis, values in zip(
            axes, (trace.conductance * 1e6, trace.current * 1e6, trace.temperature), strict=True
        ):
            axis.semilogx(trace.time[1:] * 1e9, values[1:], color=colour, label=f"{gate} V")
            axis.set_xlabel("time [ns]")
    for axis, name in zip(
        axes, ("conductance [µS]", "current [µA]", "temperature [K]"), strict=True
    ):
        axis.set_ylabel(name)
    axes[0].legend(title="word line")
    return figure


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    save(folder, (set_times, transient))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
