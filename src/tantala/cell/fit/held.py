"""What fits hold fixed: scales, limits between states, and values of what a table cannot tell.

They are numbers about the world, so they stand in the library (method item `cell_fit`), each with
its source. `held()` reads them once.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tantala.base.binding import bind, quantity
from tantala.base.library import load_item


@dataclass(frozen=True)
class HeldPulses:
    """Of both kinds of pulse."""

    attempt_time: float = quantity("s", "attempt time of the barriers", minimum=1e-18)
    temperature: float = quantity("K", "temperature of pulse tables", minimum=1)


@dataclass(frozen=True)
class HeldConduction:
    """Of reading."""

    reference_voltage: float = quantity("V", "voltage at which G is defined", minimum=1e-3)


@dataclass(frozen=True)
class HeldSet:
    """Of SET."""

    reference_resistance: float = quantity("ohm", "at which the barrier is stated", minimum=1)
    set_below: float = quantity("ohm", "a pulse that ends below it has SET the cell", minimum=1)


@dataclass(frozen=True)
class HeldReset:
    """Of RESET."""

    reference_resistance: float = quantity("ohm", "at which the onset is stated", minimum=1)
    decrease_voltage: float = quantity("V", "at which the time of the decrease is stated")
    maximum_resistance: float = quantity("ohm", "bound of the high state", minimum=1)
    failed_below: float = quantity("ohm", "a RESET that ends below it has failed", minimum=1)
    switched_above: float = quantity("1", "growth of R that tells an onset", minimum=1)


@dataclass(frozen=True)
class HeldCycling:
    """Of cycles."""

    drift_period: float = quantity("1", "cycles in the shortest step of the drift", minimum=1)


@dataclass(frozen=True)
class HeldEndurance:
    """Of wear."""

    window: float = quantity("1", "R after RESET over R after SET of a live cell", minimum=1)
    losses: float = quantity("1", "checks without a window after which it is dead", minimum=1)
    life_voltage: float = quantity("V", "word line at which the life is stated")
    smallest_shape: float = quantity("1", "least Weibull shape of wear-out", minimum=1)
    wear_onset: float = quantity("1", "cycles at which the high state begins to fall", minimum=1)


@dataclass(frozen=True)
class HeldAgeing:
    """Of relaxation and retention."""

    attempt_rate: float = quantity("Hz", "rate from which barriers count", minimum=1)
    front_margin: float = quantity("eV", "beyond the last measured front", minimum=0)
    earliest_read: float = quantity("s", "reads before it are the verify itself", minimum=0)
    verify_delay: float = quantity("s", "where no relaxation was measured", minimum=0)
    unseen_barrier: float = quantity("eV", "where no relaxation was measured", minimum=0)
    unseen_barrier_spread: float = quantity("eV", "where no relaxation was measured", minimum=0)


@dataclass(frozen=True)
class HeldNoise:
    """Conditions of use of the read noise."""

    integration_time: float = quantity("s", "integration time of a read", minimum=1e-12)
    slowest: float = quantity("Hz", "slowest fluctuation that is noise of a read", minimum=0)


@dataclass(frozen=True)
class Held:
    """All of them."""

    pulses: HeldPulses
    conduction: HeldConduction
    set: HeldSet
    reset: HeldReset
    cycling: HeldCycling
    endurance: HeldEndurance
    ageing: HeldAgeing
    noise: HeldNoise


@functools.cache
def held() -> Held:
    """The library's constants of fitting."""
    item = load_item("method", "cell_fit")
    return Held(
        bind(HeldPulses, item, "pulses"),
        bind(HeldConduction, item, "conduction"),
        bind(HeldSet, item, "set"),
        bind(HeldReset, item, "reset"),
        bind(HeldCycling, item, "cycling"),
        bind(HeldEndurance, item, "endurance"),
        bind(HeldAgeing, item, "ageing"),
        bind(HeldNoise, item, "noise"),
    )
