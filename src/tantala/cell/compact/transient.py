"""Waveforms that drive a compact model, and the traces it answers with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si

POINTS_A_STRETCH = 96  # samples between two corners of the waveform, in equal ratios of time
FIRST_SHARE = 1e-6  # the first of them, as a share of the stretch


@dataclass(frozen=True)
class Waveform:
    """A voltage made of straight lines: corners at ``time`` [s] with ``voltage`` [V].

    Two corners at one time are a jump. Raises InputError unless times start at 0 and do not fall.
    """

    time: tuple[float, ...]
    voltage: tuple[float, ...]

    def __post_init__(self) -> None:
        time = np.asarray(self.time, float)
        if time.size != len(self.voltage) or time.size < 2:
            raise InputError(
                Problem(
                    "a waveform needs a voltage at every corner, and two corners",
                    got=f"{time.size} times, {len(self.voltage)} voltages",
                )
            )
        if time[0] != 0.0 or np.any(np.diff(time) < 0.0) or time[-1] <= 0.0:
            raise InputError(Problem("waveform times must start at 0 and rise", got=f"{time}"))

    @staticmethod
    def constant(voltage: float | str, duration: float | str) -> Waveform:
        """One voltage for a duration."""
        volts = to_si(voltage, "V", name="voltage")
        return Waveform((0.0, to_si(duration, "s", name="duration")), (volts, volts))

    @staticmethod
    def pulse(
        voltage: float | str, width: float | str, edge: float | str = 0.0, rest: float | str = 0.0
    ) -> Waveform:
        """A pulse with straight edges: up over ``edge``, flat for ``width``, down, then 0 V."""
        volts = to_si(voltage, "V", name="voltage")
        up = to_si(edge, "s", name="edge")
        flat = up + to_si(width, "s", name="width")
        end = flat + up
        last = end + to_si(rest, "s", name="rest")
        corners = [(0.0, 0.0), (up, volts), (flat, volts), (end, 0.0), (last, 0.0)]
        if up == 0.0:
            corners = corners[1:]
        if last == end:
            corners = corners[:-1]
        return Waveform(tuple(t for t, _ in corners), tuple(v for _, v in corners))

    def samples(self) -> np.ndarray:
        """Default sampling times [s]: every corner, and equal ratios of time between corners."""
        shares = np.concatenate([[0.0], np.geomspace(FIRST_SHARE, 1.0, POINTS_A_STRETCH)])
        corners = np.unique(self.time)
        return np.unique(np.concatenate([a + (b - a) * shares for a, b in _pairs(corners)]))

    def stretches(self, times: np.ndarray) -> np.ndarray:
        """The waveform cut at its corners and at ``times`` [s]: rows (duration, first, last V).

        Row k ends at the k-th of the sorted union of corners and ``times`` after 0.
        """
        corners, volts = np.asarray(self.time), np.asarray(self.voltage)
        cuts = np.unique(np.concatenate([corners, times]))
        rows = []
        for begin, end in _pairs(cuts):
            # The line that starts at the last corner at or before `begin`.
            index = int(np.searchsorted(corners, begin, side="right")) - 1
            span = corners[index + 1] - corners[index]
            ramp = (volts[index + 1] - volts[index]) / span
            rows.append(
                (
                    end - begin,
                    volts[index] + ramp * (begin - corners[index]),
                    volts[index] + ramp * (end - corners[index]),
                )
            )
        return np.array(rows)


def _pairs(values: np.ndarray) -> itertools.pairwise[tuple[float, float]]:
    return itertools.pairwise(values)


@dataclass(frozen=True)
class Transient:
    """Traces of a compact model. Arrays end in the axis of time; before it, the cells' own axes.

    ``conductance`` is at the read voltage and ambient temperature, in S; ``current`` (A) and
    ``temperature`` (K) are during the waveform; ``voltage`` (V) is applied to cell and series
    element, ``cell_voltage`` (V) is the cell's share; ``energy`` (J) is what both drew so far.
    ``state`` is in the model's own unit.
    ``extrapolated`` names what left the model's range. At a jump the values are those before it.
    """

    time: np.ndarray
    conductance: np.ndarray
    current: np.ndarray
    temperature: np.ndarray
    voltage: np.ndarray
    cell_voltage: np.ndarray
    energy: np.ndarray
    state: np.ndarray
    extrapolated: tuple[str, ...] = ()
