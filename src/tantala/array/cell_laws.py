"""What current a cell of an array carries at a voltage.

The conductance of a cell is its state; a law says what follows from it. A tt.Cell is a law too,
with the conduction of its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tantala.array import device_kernels as kernels
from tantala.array.parameters import Curves, Vector, at, settle, shape_problems, stack
from tantala.base.errors import InputError, Problem, raise_if
from tantala.cell.cell import Cell

# A polynomial is followed while its slope is above this part of the cell's conductance.
LEAST_SLOPE = 1e-3


class CellLaw(Protocol):
    """Current of a cell from its state."""

    def curves(self, conductance: Vector) -> Curves:
        """The curve of each cell of `conductance` (N, M) [S]."""
        ...

    def outside(self, conductance: Vector, volts: Vector) -> list[Problem]:
        """A problem for each range of the law that states and voltages (N, M) leave."""
        ...

    def expression(self, conductance: float, place: tuple[int, int], volts: str) -> str:
        """Current [A] of one cell as an ngspice expression of the expression `volts`."""
        ...


@dataclass(frozen=True, eq=False)
class Ohmic:
    """I = G V: what an array has without a law."""

    def curves(self, conductance: Vector) -> Curves:
        """See CellLaw."""
        return Curves(
            kernels.POLYNOMIAL,
            stack(conductance, 0.0, 0.0, -np.inf, np.inf, shape=conductance.shape),
        )

    def outside(self, conductance: Vector, volts: Vector) -> list[Problem]:
        """None: the law has no range."""
        return []

    def expression(self, conductance: float, place: tuple[int, int], volts: str) -> str:
        """See CellLaw."""
        return f"{conductance!r}*({volts})"


@dataclass(frozen=True, eq=False)
class Conducting:
    """The conduction of a library cell: its state is G at the cell's reference voltage."""

    cell: Cell

    def __post_init__(self) -> None:
        self.cell.law("conduction")

    def _parameters(self, conductance: Any) -> tuple[Any, Any]:
        law = self.cell.law("conduction")
        # The smallest curvature is still ohmic, and keeps the quotient of two zeros away.
        rate = np.maximum(law.curvature(conductance), kernels.SMALLEST_RATE)
        return conductance * law.reference_voltage / np.sinh(law.reference_voltage * rate), rate

    def curves(self, conductance: Vector) -> Curves:
        """See CellLaw."""
        scale, rate = self._parameters(conductance)
        return Curves(
            kernels.SINH,
            stack(scale, rate, 0.0, -np.inf, np.inf, shape=conductance.shape),
        )

    def outside(self, conductance: Vector, volts: Vector) -> list[Problem]:
        """Ranges of the cell's conduction law that are left; open cells have no voltage range."""
        conducting = conductance > 0.0
        if not conducting.any():
            return []
        states, most = conductance[conducting], float(np.abs(volts[conducting]).max())
        return self.cell.outside(
            "conduction",
            voltage=(most, most),
            conductance=(float(states.min()), float(states.max())),
        )

    def expression(self, conductance: float, place: tuple[int, int], volts: str) -> str:
        """See CellLaw."""
        scale, rate = (float(value) for value in self._parameters(np.float64(conductance)))
        return f"{scale!r}*sinh({rate!r}*({volts}))"


@dataclass(frozen=True, eq=False)
class Polynomial:
    """I = G V + a V**2 + b V**3 up to `limit`, where the slope is positive.

    quadratic   a, S/V
    cubic       b, S/V**2
    limit       V, the largest magnitude at which the polynomial holds; by default no limit
    """

    quadratic: Any = 0.0
    cubic: Any = 0.0
    limit: Any = None

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        settle(self, {"quadratic": "S/V", "cubic": "S/V**2"}, problems)
        if self.limit is not None:
            settle(self, {"limit": "V"}, problems, positive=("limit",))
        raise_if(problems)

    def curves(self, conductance: Vector) -> Curves:
        """See CellLaw. Raises InputError for a cell whose slope at 0 V is not positive."""
        shape = conductance.shape
        raise_if(shape_problems(self, shape))
        a, b = np.broadcast_to(self.quadratic, shape), np.broadcast_to(self.cubic, shape)
        bad = (conductance <= 0.0) & ((a != 0.0) | (b != 0.0))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InputError(
                Problem(
                    "a polynomial cell has no positive slope at 0 V",
                    f"cell (row {row}, column {column})",
                    got=f"conductance {conductance[row, column]:.6g} S with higher terms",
                    allowed="a conductance above 0 S, or no higher terms",
                )
            )
        low, high = _monotone(conductance, a, b)
        return Curves(kernels.POLYNOMIAL, stack(conductance, a, b, low, high, shape=shape))

    def outside(self, conductance: Vector, volts: Vector) -> list[Problem]:
        """Beyond `limit`."""
        if self.limit is None:
            return []
        return beyond(
            np.abs(volts) > self.limit * (1 + 1e-9), volts, f"up to {np.max(self.limit):.6g} V"
        )

    def expression(self, conductance: float, place: tuple[int, int], volts: str) -> str:
        """See CellLaw."""
        a, b = (at(value, place) for value in (self.quadratic, self.cubic))
        # Products, because ngspice takes the power of a negative voltage's magnitude.
        square = f"({volts})*({volts})"
        return f"{conductance!r}*({volts})+{a!r}*{square}+{b!r}*{square}*({volts})"


def _monotone(conductance: Vector, a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """Voltages between which G + 2 a V + 3 b V**2 stays above LEAST_SLOPE G."""
    height = (1.0 - LEAST_SLOPE) * conductance
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(a * a - 3.0 * b * height)
        ends = np.stack([height / (-a + root), height / (-a - root)])
    # No real root, or none on this side of 0 V: monotone as far as there are voltages.
    low = np.where(ends < 0.0, ends, -np.inf).max(axis=0)
    high = np.where(ends > 0.0, ends, np.inf).min(axis=0)
    return low, high


def beyond(bad: NDArray[np.bool_], volts: Vector, allowed: str) -> list[Problem]:
    """The problem of cells whose voltage a law does not cover, the worst one named."""
    if not bad.any():
        return []
    others = int(bad.sum()) - 1
    row, column = np.unravel_index(int(np.where(bad, np.abs(volts), 0.0).argmax()), volts.shape)
    return [
        Problem(
            "a cell's voltage is outside the range of its law",
            f"cell (row {row}, column {column})",
            got=f"{volts[row, column]:.6g} V" + (f", and {others} more" if others else ""),
            allowed=allowed,
        )
    ]
