"""Our side of each claim about the compact models, through the public interface only.

Run as a program, this prints the table of claims against the model:

    python tests/published/compact_models.py
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from published_claims import Claim, markdown, read_claims

from tantala.base.quantity import to_si
from tantala.cell.compact import CompactModel, load_compact

STATE_UNIT = {"sky130": 1e-9, "stanford_v1": 1e-9, "jart_vcm_1b": 1e26}
SET_END = {"jart_vcm_1b": 10e26}  # else the low-resistance end
MODELS: dict[str, Callable[..., float]] = {}

load = functools.cache(load_compact)


def model(function: Callable[..., float]) -> Callable[..., float]:
    """Register a model function under its name."""
    MODELS[function.__name__] = function
    return function


def evaluate(claim: Claim) -> float:
    """Our value for a claim."""
    return float(MODELS[claim.model](claim.cell, **claim.arguments))


@model
def resistance(cell: str, state: float) -> float:
    return float(1 / load(cell).conductance(state * STATE_UNIT[cell]))


@model
def jart_resistance(cell: str, state: float) -> float:
    volts = 0.2
    point = load(cell).operating_point(volts, state * 1e26, 293.0, self_heating=False)
    return float(volts / point.current)


def _set_time(compact: CompactModel, cell: str, voltage: float, temperature: float) -> float:
    start, stop = compact.states
    return float(
        compact.switching_time(
            compact.polarity * voltage, start, SET_END.get(cell, stop), temperature=temperature
        )
    )


@model
def set_time(cell: str, voltage: float, temperature: float) -> float:
    return _set_time(load(cell), cell, voltage, temperature)


@model
def reset_time(cell: str, voltage: float) -> float:
    compact = load(cell)
    high, low = compact.states
    return float(compact.switching_time(-voltage, low, high, temperature=300.0))


@model
def reset_time_jart(cell: str, voltage: float, temperature: float) -> float:
    return float(load(cell).switching_time(voltage, 19.9e26, 0.1e26, temperature=temperature))


@model
def series_set_time(cell: str, voltage: float) -> float:
    compact = load(cell)
    return float(
        compact.switching_time(voltage, *compact.states, temperature=300.0, series="5 kohm")
    )


@model
def peak_temperature(cell: str, voltage: float, series: float) -> float:
    compact = load(cell)
    series = float(series)
    states = np.linspace(*compact.states, 400)
    return float(compact.operating_point(voltage, states, 300.0, series).temperature.max())


@model
def zero_bias_drift(cell: str, time: str, temperature: str) -> float:
    trace = load(cell).transient(
        0.0, time, state=4.8e-9, temperature=temperature, times=[0.0, to_si(time, "s")]
    )
    return float(np.log(trace.conductance[-1] / trace.conductance[0]))


@model
def jart_length_ratio(cell: str, factor: float) -> float:
    nominal = load(cell)
    disc = nominal.parameters.disc_length * factor
    longer = dataclasses.replace(
        nominal, parameters=dataclasses.replace(nominal.parameters, disc_length=disc)
    )
    return _set_time(longer, cell, 1.0, 293.0) / _set_time(nominal, cell, 1.0, 293.0)


if __name__ == "__main__":
    claims = read_claims("compact_claims.toml")
    print(markdown(claims, {claim.id: evaluate(claim) for claim in claims}))
