"""Retention: two populations of defects with higher barriers, the slow part of the ageing.

Both act on the state coordinate y of `relaxation` and share its front energy E:

    mean of y     += early_drift(g)  * F(E; early)  + late_drift(g)  * F(E; late)
    variance of y += early_spread(g)^2 * F(E; early) + late_spread(g)^2 * F(E; late)           (1)
    F(E; p) = Phi((E - p_onset) / p_width), from the front at the verifying read

F is the part of the defects whose barrier, normal with mean `onset` and standard deviation
`width`, lies below the front: every cell crosses its own barriers at its own time and temperature.
The early process broadens and moves intermediate and high-resistance states (up, where a filament
grows again), the late one dissolves the filament; which of them does what is in the numbers. Both
end (F -> 1), so conductance stays bounded however long and hot the bake.

`age` is the one entry for populations: relaxation and retention in one pass (see `ageing`).
Left out: cells of one array share no temperature gradient; a bake while the cell is biased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tantala.base.binding import quantity
from tantala.base.errors import Problem, RangeViolation
from tantala.base.quantity import format_si

if TYPE_CHECKING:
    from tantala.cell.ageing import Ageing
    from tantala.cell.population import Population


@dataclass(frozen=True)
class RetentionLaw:
    """Numbers of equation (1); drifts and spreads are in events of the relaxation law (y)."""

    states: tuple[float, ...] = quantity(
        "1", "G / full scale of drifts and spreads", minimum=1e-4, several=True
    )
    early_onset: float = quantity("eV", "mean barrier of the early process", minimum=0)
    early_width: float = quantity("eV", "spread of these barriers", minimum=1e-3)
    early_drift: tuple[float, ...] = quantity("1", "mean change by the early process", several=True)
    early_spread: tuple[float, ...] = quantity(
        "1", "standard deviation by the early process", minimum=0, several=True
    )
    late_onset: float = quantity("eV", "mean barrier of the late process", minimum=0)
    late_width: float = quantity("eV", "spread of these barriers", minimum=1e-3)
    late_drift: tuple[float, ...] = quantity("1", "mean change by the late process", several=True)
    late_spread: tuple[float, ...] = quantity(
        "1", "standard deviation by the late process", minimum=0, several=True
    )
    front_limit: float = quantity("eV", "front energy up to which the law holds", minimum=0)


def age(population: Population, seconds: float, kelvin: float, extrapolate: bool = False) -> None:
    """Let `population` stand for `seconds` at `kelvin`: its clocks and conductances.

    Raises RangeViolation when the front energy of any cell passes the law's limit, unless
    `extrapolate`; then 'retention' is entered in `population.extrapolated`.
    """
    from tantala.cell.ageing import ageing_of
    from tantala.cell.ageing_kernel import grown_older

    law = ageing_of(population.cell)
    clock = grown_older(population.age, seconds, kelvin, law.relaxation.attempt_rate)
    check_front(law, float(clock.max(initial=0.0)), seconds, kelvin, extrapolate, population)
    population.age[:] = clock
    law.apply(population)


def check_front(
    law: Ageing,
    oldest: float,
    seconds: float,
    kelvin: float,
    extrapolate: bool,
    population: Population | None = None,
) -> None:
    """Refuse an age [s at 25 degC] whose front lies beyond what the law was calibrated for."""
    front = float(law.relaxation.front(oldest))
    if front <= law.front_limit:
        return
    if not extrapolate:
        # The front rises with temperature, in proportion at a given time.
        hottest = format_si(kelvin * law.front_limit / front, "K", 3)
        raise RangeViolation(
            Problem(
                "the bake goes beyond the calibrated range",
                got=f"{format_si(seconds, 's')} at {format_si(kelvin, 'K')}, front {front:.3f} eV",
                allowed=f"front energy up to {law.front_limit:.3f} eV, which is about {hottest} for"
                " that time",
                hint="extrapolate=True",
            )
        )
    if population is not None:
        population.extrapolated.add("retention")
