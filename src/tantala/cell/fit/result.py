"""What every law's ``fit_...`` function returns: numbers, goodness of fit and curves to plot.

The result is a plain value in SI units. It knows neither files nor figures, so a law can be fitted
in a notebook, and the writer and the plots treat every law alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tantala.cell.fit.identification import Explained

Array = np.ndarray
Standing = Callable[[str, str], float | None]


def nothing_stands(path: str, unit: str) -> float | None:
    """No number stands elsewhere; the `Standing` of a fit without another cell."""
    return None


@dataclass(frozen=True)
class FittedNumber:
    """One parameter of a law, in the unit of its record in the cell file.

    ``path`` is the dotted path in the cell file (``"set.voltage_scale"``); ``value`` a float or a
    tuple of floats (a list in the file). ``uncertainty`` is one standard error of the same shape.
    ``range`` names the conditions over which data constrained the number, each as
    ``(low, high, unit)``.
    ``kind`` is ``"fitted"`` unless the number was computed from other numbers (``"derived"``) or
    read off the data without a model (``"measured"``).
    """

    path: str
    value: float | tuple[float, ...]
    unit: str
    uncertainty: float | tuple[float, ...] | None = None
    range: Mapping[str, tuple[float, float, str]] = field(default_factory=dict)
    note: str = ""
    kind: str = "fitted"

    @property
    def is_loose(self) -> bool:
        """Whether its error exceeds half its value; of a value of 0 the error alone speaks."""
        if not isinstance(self.uncertainty, float) or not isinstance(self.value, float):
            return False
        return bool(self.value) and self.uncertainty > 0.5 * abs(self.value)


@dataclass(frozen=True)
class Goodness:
    """One figure of merit: ``name`` says what was compared, ``count`` over how many points."""

    name: str
    value: float
    unit: str
    count: int


@dataclass(frozen=True)
class Curve:
    """Data against model for one condition.

    Curves with the same ``panel`` share one set of axes. ``x`` and ``model_x`` may differ so that
    the model can be drawn finer than the data; with ``model_x`` None the model is at ``x``.
    ``label`` names the condition. Axis labels carry the unit, e.g. ``"pulse width [s]"``.
    """

    panel: str
    label: str
    x_label: str
    y_label: str
    x: Array
    data: Array
    model: Array
    model_x: Array | None = None
    x_log: bool = False
    y_log: bool = False


@dataclass(frozen=True)
class FitResult:
    """The outcome of fitting one law to measurements.

    ``law`` is the name of the law's table in the cell file (``"set"``, ``"retention"``);
    ``choices`` are text, integer or boolean keys of that table (not numbers about the world);
    ``where`` tells which measurements and which subset were used; ``not_identified`` lists dotted
    paths which the law needs but these measurements cannot give. ``left_open`` are numbers that the
    measurements do not determine, with the value and error found; they are not in ``numbers``, and
    what stands elsewhere was held instead. ``explained`` compares the law with the null model;
    ``warnings`` say what in the table is suspect.
    """

    law: str
    numbers: tuple[FittedNumber, ...]
    goodness: tuple[Goodness, ...] = ()
    curves: tuple[Curve, ...] = ()
    choices: Mapping[str, str | int | bool] = field(default_factory=dict)
    where: str = ""
    not_identified: tuple[str, ...] = ()
    left_open: tuple[FittedNumber, ...] = ()
    explained: Explained | None = None
    warnings: tuple[str, ...] = ()

    @property
    def loose(self) -> tuple[FittedNumber, ...]:
        """Fitted numbers whose error exceeds half their value, for want of another to stand in."""
        return tuple(number for number in self.numbers if number.is_loose)

    def value(self, path: str) -> float | tuple[float, ...]:
        """The fitted value at the dotted ``path``; KeyError names the paths there are."""
        for number in self.numbers:
            if number.path == path:
                return number.value
        raise KeyError(f"{path!r} is not in this fit; it has {[n.path for n in self.numbers]}")
