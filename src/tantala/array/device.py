"""The two-terminal devices of an array: each cell's law and selector, bound to its conductance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.array import device_kernels as kernels
from tantala.array.cell_laws import CellLaw, Conducting, Ohmic, beyond
from tantala.array.parameters import Curves, Vector
from tantala.array.selectors import SelectorLaw, ThresholdSelector
from tantala.base.errors import InputError, Problem, RangeViolation
from tantala.cell.cell import Cell

Switches = NDArray[np.bool_]


@dataclass(frozen=True)
class Response:
    """What devices answer to voltages; (N, M) each.

    `current` A, `slope` S, and `across` V, the part of the voltage over the selectors (0 without).
    """

    current: Vector
    slope: Vector
    across: Vector


@dataclass(frozen=True, eq=False)
class Device:
    """Cells and selectors in series; `conductance` (N, M) S is the cells' state."""

    conductance: Vector
    cell: CellLaw
    selector: SelectorLaw | None
    cells: Curves
    selectors: Curves

    @classmethod
    def of(cls, conductance: Vector, cell: Any = None, selector: Any = None) -> Device:
        """The devices of an array; `cell` a law or a tt.Cell, ohmic by default.

        Raises InputError for laws that cannot serve.
        """
        law = Conducting(cell) if isinstance(cell, Cell) else Ohmic() if cell is None else cell
        for given, name, allowed in (
            (law, "cell", "a tt.Cell, Ohmic or Polynomial"),
            (selector, "selector", "an ExponentialSelector or a ThresholdSelector"),
        ):
            if given is not None and not hasattr(given, "curves"):
                raise InputError(Problem(f"{name} is no law", got=repr(given), allowed=allowed))
        shorted = np.isinf(conductance)
        if shorted.any():
            row, column = np.argwhere(shorted)[0]
            raise InputError(
                Problem(
                    "a dead short has no current-voltage law",
                    f"cell (row {row}, column {column})",
                    got="inf S",
                    allowed="finite conductances where cells have a law or a selector",
                    hint="the conductance of the short, such as 0.1 S",
                )
            )
        shape: tuple[int, int] = conductance.shape  # type: ignore[assignment]
        nothing = Curves(kernels.NONE, np.zeros((3, *shape)))
        return cls(
            conductance,
            law,
            selector,
            law.curves(conductance),
            nothing if selector is None else selector.curves(shape),
        )

    @property
    def switches(self) -> bool:
        """Whether selectors have an on and an off state."""
        return isinstance(self.selector, ThresholdSelector)

    def all_off(self) -> Switches:
        """The state in which every selector is off, (N, M)."""
        return np.zeros(self.conductance.shape, np.bool_)

    def evaluate(
        self, volts: Vector, on: Switches | None = None, near: Response | None = None
    ) -> Response:
        """Current, slope and the selectors' voltage at `volts` (N, M), selectors being `on`.

        An answer `near` by saves work and changes nothing.
        """
        across = np.zeros_like(volts) if near is None else near.across.copy()
        answer = Response(np.empty_like(volts), np.empty_like(volts), across)
        kernels.evaluate(
            self.cells.kind,
            self.cells.parameters,
            self.selectors.kind,
            self.selectors.parameters,
            self.all_off() if on is None else on,
            volts,
            answer.current,
            answer.slope,
            answer.across,
        )
        return answer

    def check(self, volts: Vector, across: Vector, extrapolate: bool) -> tuple[str, ...]:
        """What of the laws' ranges `volts` (N, M), `across` the selectors, leave.

        Raises RangeViolation where the current would not rise with the voltage or is no number,
        and, unless `extrapolate`, outside the ranges that the laws state.
        """
        remaining = volts - across
        *_, low, high = self.cells.parameters
        problems = beyond(
            (remaining < low) | (remaining > high),
            remaining,
            "voltages at which the current rises with the voltage",
        )
        for curves, part in ((self.cells, remaining), (self.selectors, across)):
            if (curves is self.cells and curves.kind == kernels.SINH) or (
                curves is self.selectors and curves.kind == kernels.EXPONENTIAL
            ):
                steep = np.abs(curves.parameters[1] * part) > kernels.STEEPEST
                problems += beyond(steep, part, "currents below 1e100 times those near 0 V")
        if problems:
            raise RangeViolation(problems)
        problems = self.cell.outside(self.conductance, remaining)
        if problems and not extrapolate:
            raise RangeViolation(problems)
        return tuple(problem.what for problem in problems)

    def spice(
        self, place: tuple[int, int], name: str, plus: str, minus: str, on: bool = False
    ) -> list[str]:
        """Elements of ngspice for the device at `place` (row, column) between two nodes.

        Behavioural current sources, `name` in each one's; a cell with a selector takes the inner
        node `name`. A threshold selector keeps its state, `on` or off.
        """
        conductance = float(self.conductance[place])
        if self.selector is None:
            law = self.cell.expression(conductance, place, f"v({plus},{minus})")
            return [f"b{name} {plus} {minus} i={law}"]
        through = self.selector.expression(place, f"v({plus},{name})", on)
        behind = self.cell.expression(conductance, place, f"v({name},{minus})")
        return [f"bs{name} {plus} {name} i={through}", f"bc{name} {name} {minus} i={behind}"]
