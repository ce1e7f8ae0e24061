"""Figure of the model page on write-verify: three schemes on one cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import panels, save

import tantala as tt

CELLS = 8_000
WINDOW = ("110 uS", "125 uS")
MOST = 60
SCHEMES = ("radar", "ispp", "fppv")


def write_verify() -> plt.Figure:
    """Unfinished cells over pulses, and where the cells end."""
    figure, (left, right) = panels(2)
    cell = tt.load_cell("hfox_64k")
    for scheme in SCHEMES:
        cells = cell.sample(CELLS, seed=4)
        cells.reset_pulse()
        outcome = cells.write_verify(*WINDOW, scheme=scheme, max_pulses=MOST)
        needed = np.where(outcome.ok, outcome.pulses, MOST + 1)
        pulses = np.arange(MOST + 1)
        unfinished = [np.mean(needed > count) for count in pulses]
        name = f"{scheme}: mean {outcome.pulses.mean():.0f} pulses"
        left.semilogy(pulses, np.clip(unfinished, 1e-4, 1.0), label=name)
        score = np.sort(cells.conductance) * 1e6
        right.plot(score, (np.arange(CELLS) + 0.5) / CELLS, label=f"{scheme}, verified")
        cells.wait("1 s")
        later = np.sort(cells.conductance) * 1e6
        colour = right.lines[-1].get_color()
        right.plot(later, (np.arange(CELLS) + 0.5) / CELLS, color=colour, linestyle=":")
    right.plot([], [], "k:", label="1 s later")
    for edge in (110, 125):
        right.axvline(edge, color="0.5", linewidth=0.8)
    left.set(xlabel="pulses", ylabel="share of unfinished cells", ylim=(1e-3, 1.2))
    left.legend()
    right.set(xlabel="conductance [µS]", ylabel="share of cells", xlim=(95, 140))
    right.legend(fontsize="x-small")
    return figure


def draw(folder: Path) -> None:
    """Write the figure into `folder`."""
    save(folder, (write_verify,))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
