"""A network on tiles, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tantala.base.quantity import format_si
from tantala.report.notation import storage_time, written

if TYPE_CHECKING:
    from tantala.cim.ledger import CimCost
    from tantala.cim.study_results import Ablation, Estimate
    from tantala.report.inference import Inference


def inference_summary(found: Inference) -> RenderableType:
    """Everything of an inference study that a reader wants first, as a rich renderable."""
    parts: list[RenderableType] = [
        Text(f"{found.network} on tiles {found.tile.name}", style="bold"),
        _facts(found),
        Text("\nAccuracy", style="bold"),
        _accuracy(found),
    ]
    for at in found.ablations:
        parts += [
            Text(f"\nAccuracy by effect, {age_text(at.time, at.temperature)}", style="bold"),
            _ablation(at.ablation),
        ]
    parts += [
        Text("\nError of each layer on the inputs that reach it, freshly written", style="bold"),
        _layers(found),
    ]
    parts += [Text("\nCost of one inference", style="bold"), _cost(found.cost)]
    return Group(*parts)


def age_text(time: float, temperature: float | None) -> str:
    """An age as people say it: "freshly written", "10 years at 85 °C"."""
    if temperature is None:
        return "freshly written"
    text = f"{storage_time(time)} at {written(temperature, 'K')}"
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")  # so that a search finds it


def estimate_text(estimate: Estimate) -> str:
    """ "93.12 % ± 0.41 %", without the interval of a single chip."""
    half = estimate.half_width
    text = f"{100.0 * estimate.mean:.2f} %"
    return text if half is None else f"{text} ± {100.0 * half:.2f} %"


def facts(found: Inference) -> list[tuple[str, str]]:
    """What was measured on what, in pairs."""
    seeds = found.accuracy.seeds
    interval = "; ± is the 95 % interval of the mean over them" if len(seeds) > 1 else ""
    return [
        ("data", f"{found.data}, {found.accuracy.images:,} samples"),
        ("chips", f"{len(seeds)}, seeds {min(seeds)} to {max(seeds)}{interval}"),
        ("calibration", found.calibration),
    ]


def cost_figures(cost: CimCost) -> list[tuple[str, str]]:
    """Energy with its parts, latency, area and efficiency of a cost, in pairs."""
    energy = cost.energy_J
    parts = [
        (f"  {name.replace('_', ' ')}", f"{format_si(joules, 'J', 3)} ({joules / energy:.1%})")
        for name, joules in cost.breakdown.items()
        if joules
    ]
    return [
        ("energy", format_si(energy, "J", 4)),
        *parts,
        ("latency", format_si(cost.latency_s, "s", 4)),
        ("area", format_si(cost.area_m2, "m^2", 4)),
        # Efficiency says nothing without the bits of an operation.
        ("efficiency", f"{cost.tops_per_watt:.4g} TOPS/W, {cost.tops_per_mm2:.4g} TOPS/mm²"),
        ("", "inputs of {} bits, weights of {} bits".format(*cost.bits)),
    ]


def _facts(found: Inference) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in facts(found):
        table.add_row(*row)
    return table


def _plain_table(*titles: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _accuracy(found: Inference) -> Table:
    table = _plain_table("", "mean over chips", "worst chip", "best chip")
    table.add_row("without tiles", f"{100.0 * found.digital:.2f} %", "", "")
    rows = [("freshly written", found.accuracy.fresh)]
    rows += [(age_text(age.time, age.temperature), age.estimate) for age in found.accuracy.aged]
    for name, estimate in rows:
        ends = (f"{100.0 * end:.2f} %" for end in (min(estimate.values), max(estimate.values)))
        table.add_row(name, estimate_text(estimate), *ends)
    return table


def _ablation(ablation: Ablation) -> Table:
    table = _plain_table("effect", "switched off", "alone", "")
    table.add_row("all on", estimate_text(ablation.every), "", "")
    for share in ablation.effects:
        remark = f"alone: together with {share.needs.replace('_', ' ')}" if share.needs else ""
        name = share.effect.replace("_", " ")
        table.add_row(name, estimate_text(share.without), estimate_text(share.alone), remark)
    table.add_row("all off", estimate_text(ablation.none), "", "")
    return table


def _layers(found: Inference) -> Table:
    table = _plain_table("layer", "rows", "outputs", "relative error (rms)")
    for layer in found.layers.layers:
        error = "not used" if layer.error is None else "its answers are all zero"
        if layer.relative is not None:
            error = estimate_text(layer.relative)
        table.add_row(layer.layer, f"{layer.rows:,}", f"{layer.outputs:,}", error)
    return table


def _cost(cost: CimCost) -> RenderableType:
    table = _plain_table("", "")
    table.show_header = False
    for row in cost_figures(cost):
        table.add_row(*row)
    return Group(table, *(Text(f"  {one}", style="yellow") for one in cost.assumptions))
