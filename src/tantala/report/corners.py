"""Key figures over corners and temperatures, and the requirements at the worst of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tantala.macro.metrics import METRICS
from tantala.report.figures import KeyFigure, Outcome
from tantala.report.notation import written

if TYPE_CHECKING:
    from tantala.macro.design import Design
    from tantala.macro.sheet import Sheet


@dataclass(frozen=True)
class Corners:
    """The sheets of a design at every corner and temperature, keyed by both."""

    typical: Sheet
    sheets: Mapping[tuple[str, float], Sheet]

    def worst(self, name: str) -> tuple[float, str]:
        """The value of a figure to guarantee, and the condition at which it occurs."""
        metric = METRICS[name]
        values = {at: sheet[name] for at, sheet in self.sheets.items()}
        value = metric.worst(values.values())
        if len(set(values.values())) == 1:
            return value, "everywhere"
        return value, next(_condition(*at) for at, found in values.items() if found == value)


def _condition(corner: str, temperature: float) -> str:
    return f"{corner}, {written(temperature, 'K')}"


def evaluate_corners(
    design: Design, evaluate: Callable[[str, float], Sheet], progress: Callable[[str], Any]
) -> Corners:
    """Evaluate at every corner of the design's environment and its three temperatures."""
    env = design.environment
    temperatures = sorted({env.temperature_min, env.temperature_typical, env.temperature_max})
    sheets = {}
    for corner in env.corners:
        for temperature in temperatures:
            progress(f"Evaluating the macro: {_condition(corner, temperature)}")
            sheets[corner, temperature] = evaluate(corner, temperature)
    centre = ("typical", env.temperature_typical)
    return Corners(sheets[centre] if centre in sheets else evaluate(*centre), sheets)


def key_figures(corners: Corners) -> tuple[KeyFigure, ...]:
    """Minimum, typical and maximum of every figure that applies to the design."""
    rows = []
    for name in METRICS:
        if name not in corners.typical:
            continue
        metric = METRICS[name]
        values = {at: sheet[name] for at, sheet in corners.sheets.items()}
        low = min(values, key=values.__getitem__)
        high = max(values, key=values.__getitem__)
        fixed = values[low] == values[high]
        rows.append(
            KeyFigure(
                name=name,
                title=metric.title,
                group=metric.group,
                unit=metric.unit,
                better=metric.better,
                minimum=values[low],
                typical=corners.typical[name],
                maximum=values[high],
                minimum_at="" if fixed else _condition(*low),
                maximum_at="" if fixed else _condition(*high),
            )
        )
    return tuple(rows)


def outcomes(design: Design, corners: Corners) -> tuple[Outcome, ...]:
    """Every stated requirement against the worst corner and temperature."""
    rows = []
    for name, limit in design.requirements.limits().items():
        metric = METRICS[name]
        value, condition = corners.worst(name)
        ahead = 1.0 - value / limit if metric.better == "lower" else value / limit - 1.0
        rows.append(
            Outcome(
                name=name,
                title=metric.title,
                unit=metric.unit,
                side="max" if metric.better == "lower" else "min",
                limit=limit,
                value=value,
                condition=condition,
                met=metric.meets(value, limit),
                margin=ahead,
            )
        )
    return tuple(rows)


def narrowest(rows: Iterable[Outcome]) -> Outcome:
    """The requirement with the least margin."""
    return min(rows, key=lambda row: row.margin)
