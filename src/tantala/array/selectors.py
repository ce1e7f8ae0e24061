"""Selectors: volatile two-terminal devices in series with the cells of an array (1S1R).

    exponential   I = I_r sinh(V / V_0) / sinh(V_r / V_0),  V_0 = slope / ln 10
    threshold     off: I = G_off V;  on, beyond V_hold: I = G_off V + (G_on - G_off) (V - V_hold)

Their numbers are the user's: there are no defaults. Each is one for all, or an (N, M) table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tantala.array import device_kernels as kernels
from tantala.array.parameters import Curves, at, settle, shape_problems, stack
from tantala.base.errors import InputError, Problem, raise_if


class SelectorLaw(Protocol):
    """Current of a selector."""

    def curves(self, shape: tuple[int, int]) -> Curves:
        """The curve of each selector of an array of `shape`."""
        ...

    def expression(self, place: tuple[int, int], volts: str, on: bool) -> str:
        """Current [A] of one selector as an ngspice expression of the expression `volts`."""
        ...


@dataclass(frozen=True, eq=False)
class ExponentialSelector:
    """A selector whose current grows `slope` a decade: I = I_r sinh(V / V_0) / sinh(V_r / V_0).

    slope     V a decade of current, V_0 ln 10
    current   A, I_r
    voltage   V, V_r, at which it carries `current`
    """

    slope: Any
    current: Any
    voltage: Any

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        units = {"slope": "V", "current": "A", "voltage": "V"}
        settle(self, units, problems, positive=tuple(units))
        raise_if(problems)
        steepness = np.max(self.voltage / self.scale)
        if steepness > kernels.STEEPEST:
            raise InputError(
                Problem(
                    "the selector spans too many decades to compute with",
                    got=f"{steepness / math.log(10):.0f} decades up to its voltage",
                    allowed=f"{kernels.STEEPEST / math.log(10):.0f}",
                    hint="a larger slope, or current at a smaller voltage",
                )
            )

    @property
    def scale(self) -> Any:
        """V_0, V an e-fold."""
        return self.slope / math.log(10)

    def curves(self, shape: tuple[int, int]) -> Curves:
        """See SelectorLaw."""
        raise_if(shape_problems(self, shape))
        saturation = self.current / np.sinh(self.voltage / self.scale)
        return Curves(kernels.EXPONENTIAL, stack(saturation, 1.0 / self.scale, 0.0, shape=shape))

    def expression(self, place: tuple[int, int], volts: str, on: bool) -> str:
        """See SelectorLaw."""
        scale, volt = at(self.scale, place), at(self.voltage, place)
        saturation = at(self.current, place) / math.sinh(volt / scale)
        return f"{saturation!r}*sinh(({volts})/{scale!r})"


@dataclass(frozen=True, eq=False)
class ThresholdSelector:
    """A volatile switch: off until its voltage exceeds `threshold`, on until it falls to `hold`.

    threshold, hold   V over the selector alone, of either polarity
    off, on           S, conductance off, and on beyond the hold voltage
    together          as a ramp rises, selectors that come within this fraction of the threshold
                      while the first one switches, switch with it
    """

    threshold: Any
    hold: Any
    off: Any
    on: Any
    together: float = 1e-3

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        units = {"threshold": "V", "hold": "V", "off": "S", "on": "S"}
        settle(self, units, problems, positive=("threshold", "off", "on"), least_zero=("hold",))
        if not problems:
            _switches(self, problems)
        if not 0.0 < self.together < 1.0:
            problems.append(
                Problem("together is no fraction", got=repr(self.together), allowed="0 to 1")
            )
        raise_if(problems)

    def curves(self, shape: tuple[int, int]) -> Curves:
        """See SelectorLaw."""
        raise_if(shape_problems(self, shape))
        return Curves(
            kernels.THRESHOLD, stack(self.off, self.on - self.off, self.hold, shape=shape)
        )

    def expression(self, place: tuple[int, int], volts: str, on: bool) -> str:
        """See SelectorLaw; of the given state, which the expression keeps."""
        off, hold = at(self.off, place), at(self.hold, place)
        if not on:
            return f"{off!r}*({volts})"
        added = at(self.on, place) - off
        beyond = f"(max(({volts})-{hold!r},0)+min(({volts})+{hold!r},0))"
        return f"{off!r}*({volts})+{added!r}*{beyond}"


def _switches(selector: ThresholdSelector, problems: list[Problem]) -> None:
    """Add a problem where the on branch is not above the off branch."""
    if np.any(np.greater_equal(selector.hold, selector.threshold)):
        problems.append(
            Problem(
                "the selector's hold voltage is not below its threshold",
                got=f"hold up to {np.max(selector.hold):.6g} V, threshold from "
                f"{np.min(selector.threshold):.6g} V",
                because="switched on, it would at once switch off again",
            )
        )
    if np.any(np.greater_equal(selector.off, selector.on)):
        problems.append(
            Problem(
                "the selector's on conductance is not above its off conductance",
                got=f"off up to {np.max(selector.off):.6g} S, on from {np.min(selector.on):.6g} S",
            )
        )
