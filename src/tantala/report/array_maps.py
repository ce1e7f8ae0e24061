"""Pictures of arrays: what each cell sees and carries, what disturbs it, and margin against size.

Maps show rows (word lines) from top to bottom and columns (bit lines) from left to right, as the
array is drawn: driven at the left, sensed at the bottom. Grey marks are ends with a driver or a
sense amplifier, red ones those of the marked cell. Each function takes SI results of
`tantala.array` and returns an <svg>.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tantala.array import Array, DisturbMap, Solution
from tantala.base.errors import InputError, Problem
from tantala.report.notation import power_of_ten
from tantala.report.style import (
    ACCENT,
    BAD,
    GREY,
    HIGH_STATE,
    INK,
    LOW_STATE,
    RULE,
    as_svg,
    figure,
    plot,
)

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tantala.report.figures import SubarrayRead

Values = NDArray[np.float64]
_WIDE = 174.0  # mm
_SEQUENCE = ("#f4f7f9", "#a9c5dd", "#4d86b3", "#17507f", "#0a2540")
_CURVES = ("#7fa8c9", "#2f6c9f", "#0a2540")  # from light to dark: more of what the labels say
_SIGNED = ("#7a3008", "#c9733f", "#f6f2ee", "#4d86b3", "#0f3a60")
_DECADES = 5  # of current or probability below the largest, that are told apart
_FEW = 40  # lines up to which each end has its own mark


@plot
def state_maps(solution: Solution, selected: tuple[int, int], title: str = "Array state") -> str:
    """Voltage across and current through every cell of one solution, the selected cell marked.

    Currents in size only, on a logarithmic scale. Of a read or write that was found worst:
    `state_maps(worst.solution(), worst.position)`.

    Raises InputError for solutions of gated arrays, and of several vectors.
    """
    if not isinstance(solution, Solution) or solution.rows.ndim != 1:
        raise InputError(
            Problem(
                "maps show one vector of a cross-point array",
                got=repr(solution),
                allowed="a Solution of one vector",
            )
        )
    drawing, panels = figure(_WIDE, 82.0, 2)
    volts = solution.cell_voltages
    scale, unit = _voltage_unit(volts)
    image = _voltages(panels[0], volts * scale)
    _bar(drawing, panels[0], image, f"Cell voltage ({unit})")
    image = _logarithmic(panels[1], 1e6 * np.abs(solution.cell_currents))
    _bar(drawing, panels[1], image, "Size of cell current (µA)")
    for axes in panels:
        _frame(axes, solution.array)
        _lines_of(axes, solution.array, selected)
        _mark(axes, selected, "o", "selected cell")
    _key(drawing, panels[0])
    return as_svg(drawing, title)


@plot
def disturb_maps(found: DisturbMap, array: Array, title: str = "Disturb") -> str:
    """Voltage that disturbs each cell, and the probability that it has; the likeliest marked.

    A single accessed cell is marked with its lines.
    """
    drawing, panels = figure(_WIDE, 82.0, 2)
    scale, unit = _voltage_unit(found.worst_voltage)
    image = _voltages(panels[0], found.worst_voltage * scale)
    _bar(drawing, panels[0], image, f"Largest disturbing voltage ({unit})")
    image = _logarithmic(panels[1], found.probability)
    _bar(drawing, panels[1], image, "Probability of disturb (assumed law)")
    accessed = [(int(i), int(j)) for i, j in np.argwhere(found.accessed)]
    for axes in panels:
        _frame(axes, array)
        if len(accessed) == 1:
            _lines_of(axes, array, accessed[0])
            _mark(axes, accessed[0], "s", "accessed cell")
        _mark(axes, found.worst, "o", "most disturbed cell")
    _key(drawing, panels[0])
    return as_svg(drawing, title)


@plot
def margin_curves(
    margins: Mapping[str, pl.DataFrame], need: float | None = None, title: str = "Read margin"
) -> str:
    """Worst currents of the first table over size, and the margins of all of them.

    margins  label -> table of `tantala.array.margin_against_size` of square arrays
    need     wanted part of the ideal margin, drawn as a line
    """
    drawing, (left, right) = figure(_WIDE, 66.0, 2)
    label, first = next(iter(margins.items()))
    side = first["rows"].to_numpy()
    low, high = 1e6 * first["low_current_A"].to_numpy(), 1e6 * first["high_current_A"].to_numpy()
    left.loglog(side, low, "o-", color=LOW_STATE, markersize=2.6)
    left.loglog(side, high, "o-", color=HIGH_STATE, markersize=2.6)
    left.fill_between(side, low, high, where=low >= high, color=ACCENT, alpha=0.10, linewidth=0)
    for name, currents, colour, below in (
        ("lowest, cell in low resistance", low, LOW_STATE, -20),
        ("highest, cell in high resistance", high, HIGH_STATE, -11),
    ):
        left.annotate(name, (side[0], currents[0]), xytext=(2, below), color=colour,
                      textcoords="offset points")  # fmt: skip
    left.set_ylim(bottom=0.6 * min(low.min(), high.min()))
    left.set_yticks(*_ticks(*left.get_ylim()))
    left.set_ylabel(f"Worst sensed current (µA), {label}")
    colours = _between(_CURVES, len(margins))
    for (name, table), colour in zip(margins.items(), colours, strict=True):
        right.semilogx(table["rows"].to_numpy(), table["kept_margin"].to_numpy(), "o-",
                       color=colour, markersize=2.6, label=name)  # fmt: skip
    right.axhline(0.0, color=INK, linewidth=0.8)
    if need is not None:
        right.axhline(need, color=BAD, linewidth=0.9, linestyle="--")
        right.annotate("required", (side[0], need), xytext=(2, 2.5), textcoords="offset points",
                       color=BAD)  # fmt: skip
    right.set_ylabel("Margin over that without wires")
    right.set_ylim(max(-0.5, right.get_ylim()[0]), 1.05)
    right.legend(loc="upper right")
    for axes in (left, right):
        axes.set_xticks(side, [f"{s:g}" for s in side])
        axes.set_xlim(side[0] / 1.15, side[-1] * 1.15)
        axes.set_xlabel("Rows and columns")
    return as_svg(drawing, title)


@plot
def subarray_read(found: SubarrayRead, title: str = "Reads of a sub-array") -> str:
    """Voltage that each cell's read loses on the way, and the currents that arrive."""
    from matplotlib.colors import LinearSegmentedColormap

    drawing, (left, right) = figure(_WIDE, 70.0, 2)
    colours = LinearSegmentedColormap.from_list("voltage", _SEQUENCE)
    extent = (-0.5, found.columns - 0.5, found.rows - 0.5, -0.5)
    image = left.imshow(
        1e3 * found.lost_V,
        cmap=colours,
        vmin=0.0,
        interpolation="nearest",
        extent=extent,
        aspect="auto",
    )
    _bar(drawing, left, image, f"Lost of {1e3 * found.read_voltage_V:.3g} mV (mV)")
    left.set_xlabel("Column (bit line), sensed at the bottom")
    left.set_ylabel("Row (word line)")
    left.grid(False)
    low, high = 1e6 * found.low_A, 1e6 * found.high_A
    bins = np.linspace(min(high.min(), low.min()), max(low.max(), high.max()), 60)
    states = ("low", low, LOW_STATE), ("high", high, HIGH_STATE)
    for (state, currents, colour), ideal in zip(
        states, (found.unwired_low_A, found.unwired_high_A), strict=True
    ):
        right.hist(
            currents, bins=bins.tolist(), color=colour, alpha=0.75, label=f"{state} resistance"
        )
        right.axvline(1e6 * ideal, color=colour, linewidth=0.9, linestyle=":")
    right.axvline(1e6 * found.reference_A, color=INK, linewidth=0.8)
    right.axvspan(
        1e6 * found.high_tail_A, 1e6 * found.low_tail_A, color=ACCENT, alpha=0.10, linewidth=0
    )
    right.set_xlabel("Sensed current (µA)")
    right.set_ylabel("Cells")
    drawing.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return as_svg(drawing, title)


def _voltage_unit(volts: Values) -> tuple[float, str]:
    """Factor and unit in which the voltages are read best."""
    return (1.0, "V") if np.abs(volts).max() >= 0.5 else (1e3, "mV")


def _voltages(axes: Axes, values: Values) -> Any:
    """A linear map; two-coloured about 0 where both signs matter."""
    from matplotlib.colors import LinearSegmentedColormap

    top = float(np.abs(values).max()) or 1.0
    signed = values.min() < -0.01 * top
    colours = LinearSegmentedColormap.from_list("voltage", _SIGNED if signed else _SEQUENCE)
    return axes.imshow(
        values, cmap=colours, vmin=-top if signed else 0.0, vmax=top, interpolation="nearest"
    )


def _logarithmic(axes: Axes, values: Values) -> Any:
    """A logarithmic map of the upper decades of `values`."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    top = float(values.max()) or 1.0
    floor = max(float(values[values > 0.0].min(initial=top)), top * 10.0**-_DECADES)
    floor = min(floor, 0.1 * top)
    colours = LinearSegmentedColormap.from_list("size", _SEQUENCE)
    return axes.imshow(
        np.maximum(values, floor), cmap=colours, norm=LogNorm(floor, top), interpolation="nearest"
    )


def _bar(drawing: Figure, axes: Axes, image: Any, label: str) -> None:
    """A colour bar over the values that occur."""
    bar: Any = drawing.colorbar(image, ax=axes, shrink=0.86, aspect=28, pad=0.02)
    bar.set_label(label)
    low, high = float(image.get_array().min()), float(image.get_array().max())
    if image.norm.vmin < 0.0:
        bar.ax.set_ylim(low, high)
    elif image.norm.vmin > 0.0:
        bar.ax.set_yticks(*_ticks(image.norm.vmin, image.norm.vmax))
    bar.outline.set_visible(False)


def _ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Places and texts of marks on a logarithmic axis: decades, or 1, 2 and 5 over few of them."""
    wide = np.log10(high / low) > 2.5
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    marks = [f * 10.0**e for e in decades for f in ((1,) if wide else (1, 2, 5))]
    inside = [mark for mark in marks if low * 0.999 <= mark <= high * 1.001]
    small = high < 1e-2
    return inside, [power_of_ten(mark) if small else f"{mark:g}" for mark in inside]


def _between(colours: tuple[str, ...], count: int) -> list[str]:
    """`count` colours spread evenly over `colours`."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    scale = LinearSegmentedColormap.from_list("curves", colours)
    return [to_hex(scale(k / max(1, count - 1) if count > 1 else 0.5)) for k in range(count)]


def _frame(axes: Axes, array: Array) -> None:
    """Axes of a map: line numbers and the ends that are driven or sensed."""
    rows, columns = array.shape
    left, bottom, away = _margins(array)
    _ends(axes, np.flatnonzero(np.isfinite(array.row_driver)), left, ">")
    _ends(axes, np.flatnonzero(np.isfinite(array.column_sense)), bottom, "v")
    outline = [-0.5, columns - 0.5, columns - 0.5, -0.5, -0.5]
    axes.plot(outline, [-0.5, -0.5, rows - 0.5, rows - 0.5, -0.5], color=RULE, linewidth=0.5,
              clip_on=False)  # fmt: skip
    axes.set_xlim(left - away, columns - 0.5)
    axes.set_ylim(bottom + away, -0.5)
    axes.set_xlabel("Column (bit line), sensed at the bottom")
    axes.set_ylabel("Row (word line), driven at the left")
    axes.set_xticks(_numbers(columns))
    axes.set_yticks(_numbers(rows))
    axes.tick_params(length=0)
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)


def _margins(array: Array) -> tuple[float, float, float]:
    """Where the marks of the left and bottom ends are, and their distance from the cells."""
    rows, columns = array.shape
    away = 0.035 * max(rows, columns)
    return -0.5 - away, rows - 0.5 + away, away


def _lines_of(axes: Axes, array: Array, cell: tuple[int, int]) -> None:
    """The way of the current: from the driver of the cell's row to its column's sense end."""
    left, bottom, _ = _margins(array)
    row, column = cell
    axes.plot([left, column, column], [row, row, bottom], color=INK, linewidth=0.45,
              linestyle=(0, (4, 3)))  # fmt: skip
    axes.plot(left, row, ">", color=BAD, markersize=4.5, markeredgewidth=0, clip_on=False)
    axes.plot(column, bottom, "v", color=BAD, markersize=4.5, markeredgewidth=0, clip_on=False)


def _mark(axes: Axes, cell: tuple[int, int], shape: str, label: str) -> None:
    axes.plot(cell[1], cell[0], shape, markersize=6.5, markerfacecolor="none", linestyle="none",
              markeredgecolor=BAD, markeredgewidth=1.1, clip_on=False, label=label)  # fmt: skip


def _key(drawing: Figure, axes: Axes) -> None:
    drawing.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2)


def _ends(axes: Axes, lines: NDArray[np.intp], at: float, mark: str) -> None:
    """Marks at the ends that have a driver or sense amplifier; a bar where there are many."""
    spread = np.full(lines.size, at)
    place = (spread, lines) if mark == ">" else (lines, spread)
    if lines.size > _FEW:
        axes.plot(*place, color=GREY, linewidth=1.6, solid_capstyle="butt", alpha=0.5)
    else:
        axes.plot(*place, mark, color=GREY, markersize=2.4, markeredgewidth=0, linestyle="none")


def _numbers(lines: int) -> list[int]:
    """First and last line, and round numbers between."""
    step = next(s for s in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512) if lines <= 8 * s)
    inner = list(range(0, lines, step))
    return [*(i for i in inner if lines - 1 - i >= 0.6 * step), lines - 1]
