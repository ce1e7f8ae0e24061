"""Pictures of a network on tiles: accuracy against age, by effect, and errors of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tantala.base.quantity import format_si
from tantala.report.notation import storage_time
from tantala.report.style import (
    ACCENT,
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
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tantala.cim.study_results import Estimate
    from tantala.report.inference import AblationAt, Inference

_WIDE = 174.0  # mm
_ROW = 7.0  # mm, a bar with its name
_LABELLED = 60  # layers that are named; more are numbered


@plot
def accuracy_plot(found: Inference) -> str:
    """Accuracy (%) against age, one curve a temperature, as an <svg>.

    Bars are 95 % intervals of the mean over chips; points are single chips. Freshly written cells
    have no place on a logarithmic axis: they are the band, the network without tiles the dashes.
    """
    drawing, (axes,) = figure(_WIDE, 62.0)
    fresh = found.accuracy.fresh
    axes.axhline(100.0 * found.digital, color=GREY, dashes=(4, 2), label="without tiles")
    half = fresh.half_width or 0.0
    axes.axhspan(100.0 * (fresh.mean - half), 100.0 * (fresh.mean + half), color=ACCENT, alpha=0.18,
                 linewidth=0.0)  # fmt: skip
    axes.axhline(100.0 * fresh.mean, color=ACCENT, linewidth=0.8, label="freshly written")
    warm = sorted({age.temperature for age in found.accuracy.aged})
    for number, kelvin in enumerate(warm):
        ages = sorted(
            (age for age in found.accuracy.aged if age.temperature == kelvin and age.time > 0.0),
            key=lambda age: age.time,
        )
        colour = TEMPERATURES[number * (len(TEMPERATURES) - 1) // max(len(warm) - 1, 1)]
        times = [age.time for age in ages]
        _curve(axes, times, [age.estimate for age in ages], colour, format_si(kelvin, "K", 3))
    times = sorted({age.time for age in found.accuracy.aged if age.time > 0.0})
    if times:
        axes.set_xscale("log")
    axes.set_xticks(times, [storage_time(time) for time in times])
    axes.minorticks_off()
    axes.set_xlabel("Age")
    axes.set_ylabel("Accuracy (%)")
    axes.legend(loc="best")
    return as_svg(drawing, "Accuracy against age")


def _curve(
    axes: Axes, times: list[float], estimates: Sequence[Estimate], colour: str, label: str
) -> None:
    means = [100.0 * one.mean for one in estimates]
    halves = [100.0 * (one.half_width or 0.0) for one in estimates]
    axes.errorbar(times, means, yerr=halves, color=colour, marker="o", markersize=3, capsize=2,
                  label=label)  # fmt: skip
    for time, one in zip(times, estimates, strict=True):
        chips = 100.0 * np.asarray(one.values)
        axes.plot(np.full(len(chips), time), chips, ".", color=colour, alpha=0.35, markersize=2)


@plot
def ablation_plot(at: AblationAt, title: str) -> str:
    """Accuracy (%) with each effect switched off, and with it alone, as an <svg>."""
    shares = at.ablation.effects
    drawing, (axes,) = figure(_WIDE, 16.0 + _ROW * len(shares))
    place = np.arange(len(shares))
    for offset, colour, label, estimates in (
        (-0.19, LOW_STATE, "switched off", [share.without for share in shares]),
        (0.19, HIGH_STATE, "alone", [share.alone for share in shares]),
    ):
        means = [100.0 * one.mean for one in estimates]
        halves = [100.0 * (one.half_width or 0.0) for one in estimates]
        # Points, not bars: what differs are a few percent far from zero.
        axes.errorbar(means, place + offset, xerr=halves, fmt="o", color=colour, markersize=3.5,
                      capsize=2, label=label)  # fmt: skip
    for mean, style, label in (
        (at.ablation.every.mean, "solid", "all on"),
        (at.ablation.none.mean, "dashed", "all off"),
    ):
        axes.axvline(100.0 * mean, color=INK, linewidth=0.8, linestyle=style, label=label)
    axes.set_yticks(place, [share.effect.replace("_", " ") for share in shares])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("Accuracy (%)")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return as_svg(drawing, title)


@plot
def layer_plot(found: Inference) -> str:
    """Relative error (%) of each layer on the inputs that reach it, as an <svg>."""
    layers = found.layers.layers
    drawing, (axes,) = figure(_WIDE, 58.0)
    place = [k for k, layer in enumerate(layers) if layer.relative is not None]
    known = [layer.relative for layer in layers if layer.relative is not None]
    halves = [100.0 * (one.half_width or 0.0) for one in known]
    axes.bar(place, [100.0 * one.mean for one in known], 0.7, yerr=halves, color=ACCENT,
             error_kw={"elinewidth": 0.7, "ecolor": INK})  # fmt: skip
    axes.set_xlim(-0.6, len(layers) - 0.4)
    axes.set_ylabel("Relative error, rms (%)")
    if len(layers) <= _LABELLED:
        names = [layer.layer for layer in layers]
        turned = 90 if sum(map(len, names)) > 90 else 0
        axes.set_xticks(range(len(layers)), names, rotation=turned)
        axes.set_xlabel("Layer")
    else:
        axes.set_xlabel("Layer, in the order of the network")
    axes.grid(visible=False, axis="x")
    return as_svg(drawing, "Relative error of each layer, freshly written")
