"""Plots of data against model, one file a law."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tantala.cell.fit.result import Curve, FitResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANEL_INCHES = (4.6, 3.4)
_COLUMNS = 3
_TITLE_CHARACTERS = 48  # in a line above a panel


def plot_fits(results: Sequence[FitResult], folder: Path, title: str) -> tuple[Path, ...]:
    """Write ``folder/<law>.png`` for every result that has curves; points are data, lines model."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for result in results:
        panels: dict[str, list[Curve]] = {}
        for curve in result.curves:
            if not (np.isfinite(curve.x) & np.isfinite(curve.data)).any():
                continue  # an empty panel tells nothing
            panels.setdefault(curve.panel, []).append(curve)
        if not panels:
            continue
        columns = min(_COLUMNS, len(panels))
        rows = -(-len(panels) // columns)
        width, height = _PANEL_INCHES
        figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(f"{title}: {result.law} (points: data, lines: model)", fontsize=11)
        for place, (name, curves) in enumerate(panels.items(), start=1):
            _draw_panel(figure.add_subplot(rows, columns, place), name, curves)
        path = folder / f"{result.law}.png"
        figure.savefig(path, dpi=110)
        written.append(path)
    return tuple(written)


def _draw_panel(axes: Axes, name: str, curves: Sequence[Curve]) -> None:
    for index, curve in enumerate(curves):
        colour = f"C{index % 10}"
        axes.plot(curve.x, curve.data, "o", color=colour, markersize=3.5)
        model_x = curve.x if curve.model_x is None else curve.model_x
        axes.plot(model_x, curve.model, "-", color=colour, linewidth=1.3, label=curve.label)
    first = curves[0]
    axes.set_title(textwrap.fill(name, _TITLE_CHARACTERS), fontsize=10)
    axes.set_xlabel(first.x_label)
    axes.set_ylabel(first.y_label)
    axes.set_xscale("log" if first.x_log else "linear")
    axes.set_yscale("log" if first.y_log else "linear")
    axes.grid(alpha=0.25)
    if any(curve.label for curve in curves):
        axes.legend(fontsize=7, frameon=False)
