"""One name for each equation of the compact models, resolved by the type of the parameters.

The integrator is written once; numba compiles it per model, with that model's equations inside.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from tantala.cell.compact import jart, sky130, stanford

_MODULES = {sky130.Sky130: sky130, stanford.Stanford: stanford, jart.Jart: jart}


def current(
    p: Any, coordinate: float, temperature: float, voltage: float, branch: float
) -> tuple[float, float]:
    """(cell current [A], branch) at a state, temperature and cell voltage."""
    return _MODULES[type(p)].current(p, coordinate, temperature, voltage, branch)


def heating(p: Any, coordinate: float, voltage: float, amperes: float) -> float:
    """Steady rise of temperature above ambient [K]."""
    return _MODULES[type(p)].heating(p, coordinate, voltage, amperes)


def rate(
    p: Any, coordinate: float, temperature: float, voltage: float, amperes: float, branch: float
) -> float:
    """Time derivative of the state's coordinate [1/s times its unit]."""
    return _MODULES[type(p)].rate(p, coordinate, temperature, voltage, amperes, branch)


# The functions below carry no annotations: numba compares their signatures with those of the
# implementations they return, names and annotations alike.
@overload(current)
def _current(p, coordinate, temperature, voltage, branch):
    chosen = _MODULES[p.instance_class].current
    return lambda p, coordinate, temperature, voltage, branch: chosen(
        p, coordinate, temperature, voltage, branch
    )


@overload(heating)
def _heating(p, coordinate, voltage, amperes):
    chosen = _MODULES[p.instance_class].heating
    return lambda p, coordinate, voltage, amperes: chosen(p, coordinate, voltage, amperes)


@overload(rate)
def _rate(p, coordinate, temperature, voltage, amperes, branch):
    chosen = _MODULES[p.instance_class].rate
    return lambda p, coordinate, temperature, voltage, amperes, branch: chosen(
        p, coordinate, temperature, voltage, amperes, branch
    )
