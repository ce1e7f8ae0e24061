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
from tantala.array.shorts import STIFF, stand_in
from tantala.base.errors import InputError, Problem, RangeViolation
from tantala.cell.cell import Cell

Switches = NDArray[np.bool_]
# S, in the place of a short where its law is made and then replaced.
LIKE_ANY = 1.0


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
    """Cells and selectors in series; `conductance` (N, M) S is the cells' state.

    A cell above STIFF is a piece of metal, ohmic whatever the law. Behind a selector it leaves all
    or nearly all of the voltage to that; without one it is in `shorts`, and the curves hold its
    stand-in (see `shorts`).
    """

    conductance: Vector
    cell: CellLaw
    selector: SelectorLaw | None
    cells: Curves
    selectors: Curves
    shorts: NDArray[np.intp]

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
        shape = conductance.shape
        nothing = Curves(kernels.NONE, np.zeros((3, *shape)))
        stiff = conductance > STIFF
        held = conductance if selector is not None else np.full(shape, stand_in(conductance))
        cells = law.curves(np.where(stiff, LIKE_ANY, conductance))
        cells.parameters[:, stiff] = kernels.ohmic(cells.kind, held[stiff])
        return cls(
            conductance,
            law,
            selector,
            cells,
            nothing if selector is None else selector.curves(shape),
            np.argwhere(stiff & (selector is None)),
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
        lawful = np.where(self.conductance > STIFF, 0.0, self.conductance)
        problems = self.cell.outside(lawful, remaining)
        if problems and not extrapolate:
            raise RangeViolation(problems)
        return tuple(problem.what for problem in problems)

    def spice(
        self, place: tuple[int, int], name: str, plus: str, minus: str, on: bool = False
    ) -> list[str]:
        """Elements of ngspice for the device at `place` (row, column) between two nodes.

        Behavioural current sources, `name` in each one's; a cell with a selector takes the inner
        node `name`. A threshold selector keeps its state, `on` or off. A dead short is a source of
        0 V.
        """
        conductance, inner, head = float(self.conductance[place]), plus, f"b{name}"
        elements: list[str] = []
        if self.selector is not None:
            inner, head = name, f"bc{name}"
            through = self.selector.expression(place, f"v({plus},{name})", on)
            elements.append(f"bs{name} {plus} {name} i={through}")
        if np.isinf(conductance):
            return [*elements, f"v{name} {inner} {minus} 0"]
        if conductance > STIFF:
            return [*elements, f"r{name} {inner} {minus} {1.0 / conductance!r}"]
        behind = self.cell.expression(conductance, place, f"v({inner},{minus})")
        return [*elements, f"{head} {inner} {minus} i={behind}"]
