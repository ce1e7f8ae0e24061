"""The picture of a replayed trace: latencies, and the writes of every line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tantala.report.style import HIGH_STATE, LOW_STATE, as_svg, figure, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tantala.chip.replay_result import Latencies, Replay

_WIDE = 174.0  # mm
_SEQUENCE = ("#f4f7f9", "#a9c5dd", "#4d86b3", "#17507f", "#0a2540")


@plot
def replay_plot(found: Replay, title: str = "Replay") -> str:
    """Share of requests that take longer than a latency, and the wear map, as an <svg>.

    The map shows the lines of the die row by row, the first one top left.
    """
    drawing, (left, right) = figure(_WIDE, 72.0, 2)
    for name, of, colour in (
        ("reads", found.reads, LOW_STATE),
        ("writes", found.writes, HIGH_STATE),
    ):
        if of.count:
            _beyond(left, of, name, colour)
    left.set_xlabel("Latency (s)")
    left.set_ylabel("Share of requests that take longer")
    left.legend(loc="lower left")
    _wear(right, found)
    return as_svg(drawing, title)


def _beyond(axes: Axes, of: Latencies, name: str, colour: str) -> None:
    share = 1.0 - np.cumsum(of.histogram) / of.count
    taken = np.flatnonzero(of.histogram)
    first, last = max(int(taken[0]) - 1, 0), int(taken[-1])
    part = slice(first, last + 1)
    shown = np.maximum(share[part], 0.5 / of.count)
    axes.loglog(of.edges[1:][part], shown, color=colour, label=name)


def _wear(axes: Axes, found: Replay) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    side = math.ceil(math.sqrt(len(found.wear)))
    rows = -(-len(found.wear) // side)
    grid = np.full(rows * side, np.nan)
    grid[: len(found.wear)] = found.wear
    colours = LinearSegmentedColormap.from_list("wear", _SEQUENCE)
    image = axes.imshow(
        grid.reshape(rows, side), cmap=colours, vmin=0.0, interpolation="nearest", aspect="auto"
    )
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, aspect=24)
    bar.set_label("Writes of a line")
    bar.outline.set_linewidth(0.5)  # pyright: ignore[reportCallIssue]
    axes.grid(visible=False)
    axes.set_xlabel(f"Lines of the die, {side} in a row")
    axes.set_xticks([])
    axes.set_yticks([])
