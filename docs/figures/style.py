"""The look of the figures on the cell's model pages, and the published values drawn in them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

PUBLISHED = Path(__file__).parents[2] / "tests" / "published"
COLOURS = ("#1f5f8b", "#c8553d", "#4c9f70", "#8a6bb1", "#c99a2e", "#5b6770")
RULES = {
    "svg.hashsalt": "tantala",
    "font.size": 9,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": "small",
}
WIDTH = 7.2  # inches of a full-width figure
HEIGHT = 2.9
DATA = {"linestyle": "none", "marker": "o", "markerfacecolor": "white", "markeredgewidth": 1.2}


def panels(count: int, **options: Any) -> tuple[plt.Figure, list[plt.Axes]]:
    """A figure with `count` panels side by side."""
    width = WIDTH if count > 1 else 0.68 * WIDTH
    figure, axes = plt.subplots(
        1, count, figsize=(width, HEIGHT), layout="constrained", squeeze=False, **options
    )
    return figure, list(axes[0])


def save(folder: Path, figures: Iterable[Callable[[], plt.Figure]]) -> None:
    """Draw each figure and write it as SVG under its function's name."""
    with mpl.rc_context(RULES):
        for draw in figures:
            figure = draw()
            figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
            plt.close(figure)


def claimed(group: str, file: str = "cell_claims.toml") -> list[dict[str, Any]]:
    """The rows of a group of published values as {column: value}; 'published' is a float."""
    groups = tomllib.loads((PUBLISHED / file).read_text(encoding="utf-8"))["group"]
    found = next(entry for entry in groups if entry["id"] == group)
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    return [{**row, "published": float(row["published"])} for row in rows]


def ticks(axis: Any, values: Iterable[float]) -> None:
    """Plain numbers at `values` on a logarithmic axis."""
    values = list(values)
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_minor_formatter(mpl.ticker.NullFormatter())
