"""What every formula of the circuits takes: one value, or an array that broadcasts."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = float | NDArray[np.float64]


def values(given: Any) -> Any:
    """`given` as something to calculate with: a float as it is, anything else as a float array.

    A float passes untouched because arithmetic on it is several times faster than on an array of
    no dimensions, and one evaluation of a macro is made of hundreds of such steps.
    """
    kind = type(given)
    return given if kind is float or kind is np.float64 else np.asarray(given, float)


# Functions of numpy, which takes a microsecond even for a float.


def maximum(one: Any, other: Any) -> Any:
    """The larger of both, element by element; not a number where either is not."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one >= other or one != one else other
    return np.maximum(one, other)


def minimum(one: Any, other: Any) -> Any:
    """The smaller of both, element by element; not a number where either is not."""
    if isinstance(one, float) and isinstance(other, float):
        return one if one <= other or one != one else other
    return np.minimum(one, other)


def where(condition: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where the condition holds and `other` elsewhere; no array for single numbers."""
    if isinstance(condition, bool | np.bool_):
        return chosen if condition else other
    return np.where(condition, chosen, other)


def _elementwise(of_float: Callable[[float], float], of_array: Callable[..., Any]) -> Any:
    """One function of floats, by `of_float`, and of arrays."""

    def function(given: Any) -> Any:
        return of_float(given) if isinstance(given, float) else of_array(given)

    return function


ceil = _elementwise(lambda given: float(math.ceil(given)), np.ceil)
log = _elementwise(math.log, np.log)
log2 = _elementwise(math.log2, np.log2)
sqrt = _elementwise(math.sqrt, np.sqrt)
expm1 = _elementwise(math.expm1, np.expm1)


def softplus(given: Values) -> Any:
    """ln(1 + e^x)."""
    if isinstance(given, float):
        return max(given, 0.0) + math.log1p(math.exp(-abs(given)))
    return np.logaddexp(0.0, given)
