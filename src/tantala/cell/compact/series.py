"""What stands in series with the cell: nothing, a resistor, or the select transistor."""

from __future__ import annotations

from dataclasses import dataclass

from tantala.base.binding import quantity
from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.cell.compact.operating_point import NOTHING, RESISTOR, TRANSISTOR, Series


@dataclass(frozen=True)
class SelectTransistor:
    """The select transistor of a 1T1R cell: EKV, long channel (`operating_point`)."""

    threshold: float = quantity("V", "threshold voltage at ambient temperature", minimum=0)
    gain: float = quantity("A/V^2", "transconductance factor, beta = mu C_ox W/L", minimum=0)
    slope_factor: float = quantity("1", "slope factor, n", minimum=1)

    def at(self, wordline: float | str) -> Gated:
        """The transistor with its gate at a word-line voltage (V)."""
        return Gated(self, to_si(wordline, "V", name="wordline"))


@dataclass(frozen=True)
class Gated:
    """A select transistor at one word-line voltage (V)."""

    transistor: SelectTransistor
    wordline: float


def series_kernel(series: float | str | Gated | None, polarity: int) -> Series:
    """The series element as the kernels take it.

    ``series`` is None, a resistance (ohm, or text with a unit), or ``SelectTransistor(...).at(V)``;
    ``polarity`` the sign of the model's SET voltage. Raises InputError for a negative resistance.
    """
    if series is None:
        return Series(NOTHING, 0.0, 0.0, 0.0, 0.0, 1.0, float(polarity))
    if isinstance(series, Gated):
        device = series.transistor
        return Series(
            TRANSISTOR,
            0.0,
            series.wordline,
            device.threshold,
            device.gain,
            device.slope_factor,
            float(polarity),
        )
    resistance = to_si(series, "ohm", name="series")
    if resistance < 0.0:
        raise InputError(Problem("a negative series resistance", got=repr(series)))
    form = RESISTOR if resistance > 0.0 else NOTHING
    return Series(form, resistance, 0.0, 0.0, 0.0, 1.0, float(polarity))
