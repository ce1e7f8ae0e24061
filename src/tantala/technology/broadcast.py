"""What every formula of the circuits takes: one value, or an array that broadcasts."""

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
