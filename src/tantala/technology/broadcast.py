"""What every formula of the circuits takes: one value, or an array that broadcasts."""

import numpy as np
from numpy.typing import NDArray

Values = float | NDArray[np.float64]
