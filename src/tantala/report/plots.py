"""The datasheet's curves, drawn with matplotlib in the shared style. Each takes SI numbers and
returns an <svg>.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tantala.report.notation import power_of_ten, storage_time, written
from tantala.report.style import (
    ACCENT,
    BAD,
    GREY,
    HIGH_STATE,
    INK,
    LOW_STATE,
    TEMPERATURES,
    as_svg,
    figure,
    plot,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_WIDE = 174.0  # mm
_FLOOR = 1e-18  # no rate below this is drawn


@dataclass(frozen=True)
class StateCurve:
    """Cells of one state at one age: conductance axis [S], and the fraction of cells beyond it.

    `beyond` is the fraction below for the low-resistance state and above for the high-resistance
    one: the side on which a cell is misread.
    """

    state: str
    label: str
    aged: bool
    conductance: Array
    density: Array
    beyond: Array


@plot
def distributions(
    curves: Sequence[StateCurve], reference: float, window: tuple[float, float]
) -> str:
    """Density and error-side tails of both states with the reference and the sense window [S]."""
    drawing, (left, right) = figure(_WIDE, 62.0, 2)
    for curve in curves:
        colour = LOW_STATE if curve.state == "low" else HIGH_STATE
        look: dict[str, Any] = {"color": colour, "linestyle": "--" if curve.aged else "-"}
        micro = 1e6 * curve.conductance
        left.plot(micro, curve.density * 1e-6, label=curve.label, **look)
        shown = curve.beyond >= _FLOOR
        right.semilogy(micro[shown], curve.beyond[shown], label=curve.label, **look)
    for axes in (left, right):
        axes.axvline(1e6 * reference, color=INK, linewidth=0.8)
        axes.axvspan(1e6 * window[0], 1e6 * window[1], color=ACCENT, alpha=0.10, linewidth=0)
        axes.set_xlabel("Conductance (µS)")
        axes.set_xlim(left=0)
    left.set_ylabel("Density (1/µS)")
    left.set_ylim(bottom=0)
    _legend_above(drawing, left, 4)
    right.set_ylabel("Fraction of cells on the wrong side")
    right.set_ylim(_FLOOR, 1.0)
    _decades(right, 3)
    return as_svg(drawing, "Cell distributions")


@plot
def error_rate(
    times: Array,
    temperatures: Sequence[float],
    raw: Array,
    corrected: Array,
    limit: float,
    stated: tuple[float, float],
) -> str:
    """Raw and corrected error rates against storage time.

    Args:
        times: storage times, s, shape (t,).
        temperatures: K, shape (k,).
        raw: raw bit error rate, shape (k, t).
        corrected: uncorrectable bit error rate, shape (k, t).
        limit: the required uncorrectable bit error rate.
        stated: (time, temperature) of the stated retention, s and K.
    """
    drawing, panels = figure(_WIDE, 64.0, 2)
    titles = ("Raw bit error rate", "Uncorrectable bit error rate")
    for axes, rates, title in zip(panels, (raw, corrected), titles, strict=True):
        for index, (kelvin, rate) in enumerate(zip(temperatures, rates, strict=True)):
            shown = rate >= 1e-30
            colour = TEMPERATURES[index * (len(TEMPERATURES) - 1) // max(1, len(temperatures) - 1)]
            bold = 1.8 if abs(kelvin - stated[1]) < 0.5 else 1.1
            axes.loglog(times[shown], rate[shown], color=colour, linewidth=bold,
                        label=written(kelvin, "K"))  # fmt: skip
        axes.axvline(stated[0], color=GREY, linewidth=0.7, linestyle=":")
        axes.set_ylabel(title)
        _time_axis(axes, times)
    _decades(panels[0], 6)
    top = max(float(corrected.max()), limit) * 1e3
    bottom = max(float(corrected[corrected > 0].min(initial=limit)) / 1e3, 1e-30)
    panels[1].set_ylim(min(bottom, limit / 1e3), min(top, 1.0))
    _decades(panels[1], 6)
    panels[1].axhline(limit, color=BAD, linewidth=0.9, linestyle="--")
    panels[1].annotate("required", (times[0], limit), xytext=(3, 2), textcoords="offset points",
                       color=BAD, fontsize=6.8)  # fmt: skip
    _legend_above(drawing, panels[0], len(temperatures))
    return as_svg(drawing, "Error rate against storage time")


def _legend_above(drawing: Figure, axes: Axes, columns: int) -> None:
    """The key of `axes` above the whole figure, where it covers no curve."""
    drawing.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=columns)


def _time_axis(axes: Axes, times: Array) -> None:
    year = 365.25 * 86400.0
    day = 86400.0
    marks = [(1.0, "1 s"), (60.0, "1 min"), (3600.0, "1 h"), (day, "1 d"), (30 * day, "30 d")]
    marks += [(count * year, f"{count} y") for count in (1, 10, 100)]
    inside = [(t, name) for t, name in marks if times[0] <= t <= times[-1] * 1.001]
    axes.set_xticks([t for t, _ in inside], [name for _, name in inside])
    axes.set_xlim(times[0], times[-1])
    axes.set_xlabel("Storage time")


def _decades(axes: Axes, step: int) -> None:
    """Ticks every `step` decades where the axis spans many, at 1, 2, 5 where it spans few, and at
    more within a single one.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator

    low, high = (float(np.log10(value)) for value in axes.get_ylim())
    first, last = int(np.floor(low)), int(np.ceil(high))
    if high - low > 2 * step:
        marks = [10.0**e for e in range(int(np.ceil(low / step)) * step, last + 1, step)]
    elif high - low < 2.5:
        factors = (1, 2, 5) if high - low > 1.3 else (1, 2, 3, 5, 7)
        marks = [f * 10.0**e for e in range(first, last + 1) for f in factors]
        marks = [mark for mark in marks if low <= np.log10(mark) <= high]
    else:
        return
    axes.yaxis.set_major_locator(FixedLocator(marks))
    if high - low < 2.5:
        axes.yaxis.set_major_formatter(FixedFormatter([power_of_ten(m, 1) for m in marks]))


@plot
def pulses(counts: Mapping[str, tuple[Array, Array]]) -> str:
    """Pulses that a cell needs: operation -> (cells, words), both the fraction still unfinished
    after 1, 2, ...
    """
    from matplotlib.ticker import MaxNLocator

    drawing, panels = figure(_WIDE, 54.0, len(counts))
    for axes, (name, (cells, words)) in zip(panels, counts.items(), strict=True):
        colour = LOW_STATE if name.upper().startswith("SET") else HIGH_STATE
        axis = np.arange(1, len(cells) + 1)
        axes.semilogy(axis, np.maximum(cells, _FLOOR), "o-", color=colour, markersize=2.6,
                      label="cell")  # fmt: skip
        axes.semilogy(axis, np.maximum(words, _FLOOR), "s--", color=colour, markersize=2.2,
                      linewidth=0.9, label="word, any bit")  # fmt: skip
        axes.set_xlabel(f"{name} pulses")
        axes.set_ylabel("Fraction not yet verified")
        low = min(float(c) for c in cells if c > _FLOOR) if (cells > _FLOOR).any() else 1e-6
        axes.set_ylim(max(low / 3, 1e-12), 1.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right")
    return as_svg(drawing, "Write and verify")


@dataclass(frozen=True)
class Shmoo:
    """Fraction of cells that one pulse switches: axes in V and s, `switched` of shape (voltages,
    widths).
    """

    title: str
    voltage: Array
    width: Array
    switched: Array
    nominal: tuple[float, float]


_SHMOO_LEVELS = (0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0)
_SHMOO_COLOURS = (
    "#f6e1d6", "#efc9b2", "#e2a682", "#d18a5c", "#a9bccf", "#7d9dba", "#4a769f", "#17507f",
)  # fmt: skip


@plot
def shmoo(panels: Sequence[Shmoo]) -> str:
    """Pass and fail of single pulses over voltage and pulse width, with the nominal pulse
    marked.
    """
    drawing, axes_row = figure(_WIDE, 62.0, len(panels))
    filled = None
    for axes, panel in zip(axes_row, panels, strict=True):
        filled = axes.contourf(panel.width, panel.voltage, np.clip(panel.switched, 0, 1),
                               levels=_SHMOO_LEVELS, colors=_SHMOO_COLOURS)  # fmt: skip
        if panel.switched.min() < 0.5 < panel.switched.max():
            axes.contour(panel.width, panel.voltage, panel.switched, levels=[0.5], colors=INK,
                         linewidths=0.8)  # fmt: skip
        voltage, width = panel.nominal
        axes.plot(width, voltage, "o", markersize=4.5, markerfacecolor="white",
                  markeredgecolor=INK, markeredgewidth=0.9)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlabel("Pulse width (s)")
        axes.set_ylabel(panel.title)
        axes.grid(False)
    if filled is not None:
        bar = drawing.colorbar(filled, ax=axes_row, pad=0.015, aspect=18, spacing="uniform")
        bar.set_ticks(_SHMOO_LEVELS, labels=[f"{level:g}" for level in _SHMOO_LEVELS])
        bar.set_label("Fraction switched")
        bar.outline.set_linewidth(0.5)
    return as_svg(drawing, "Shmoo")


@dataclass(frozen=True)
class CyclingCurve:
    """One state over cycling: median and error-side quantile of the conductance [S] at each
    count.
    """

    state: str
    cycles: Array
    median: Array
    tail: Array
    tail_label: str


@plot
def cycling(curves: Sequence[CyclingCurve], stated: float, reference: float) -> str:
    """The window over cycling: medians, tails, the reference and the stated number of cycles."""
    drawing, (axes,) = figure(_WIDE / 2 - 3, 56.0)
    for curve in curves:
        colour = LOW_STATE if curve.state == "low" else HIGH_STATE
        name = "LRS" if curve.state == "low" else "HRS"
        axes.semilogx(curve.cycles, 1e6 * curve.median, color=colour, label=f"{name}, median")
        axes.semilogx(curve.cycles, 1e6 * curve.tail, color=colour, linestyle="--", linewidth=1.0,
                      label=f"{name}, {curve.tail_label}")  # fmt: skip
    axes.axhline(1e6 * reference, color=INK, linewidth=0.8)
    axes.axvline(stated, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlabel("Cycles")
    axes.set_ylabel("Conductance (µS)")
    axes.set_ylim(bottom=0)
    _legend_above(drawing, axes, 2)
    return as_svg(drawing, "Window against cycles")


@plot
def temperature_sweep(
    kelvin: Array, rates: Mapping[str, Array], limit: float, stated: float, time: float
) -> str:
    """Error rates after the stated storage time, against storage temperature."""
    drawing, (axes,) = figure(_WIDE / 2 - 3, 56.0)
    for (name, rate), colour, dash in zip(
        rates.items(), (HIGH_STATE, LOW_STATE), ("-", "--"), strict=True
    ):
        shown = rate >= 1e-30
        axes.semilogy(kelvin[shown] - 273.15, rate[shown], color=colour, linestyle=dash, label=name)
    axes.axhline(limit, color=BAD, linewidth=0.9, linestyle="--")
    axes.axvline(stated - 273.15, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_xlabel(f"Storage temperature (°C), {storage_time(time)}")
    axes.set_ylabel("Error rate per bit")
    _decades(axes, 6)
    _legend_above(drawing, axes, 2)
    return as_svg(drawing, "Error rate against temperature")
