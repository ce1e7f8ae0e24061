"""What a circuit block costs: area, delay, energy of one operation, leakage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Cost:
    """Area [m^2], delay [s], energy [J] of one operation, leakage [W]; floats or arrays."""

    area: Any = 0.0
    delay: Any = 0.0
    energy: Any = 0.0
    leakage: Any = 0.0

    def then(self, other: Cost) -> Cost:
        """Both blocks, `other` after this one: delays add, and everything else too."""
        return Cost(
            self.area + other.area,
            self.delay + other.delay,
            self.energy + other.energy,
            self.leakage + other.leakage,
        )

    def beside(self, other: Cost) -> Cost:
        """Both blocks at the same time: the longer delay counts, everything else adds."""
        return Cost(
            self.area + other.area,
            np.maximum(self.delay, other.delay),
            self.energy + other.energy,
            self.leakage + other.leakage,
        )

    def copies(self, count: Any, active: Any = 1.0) -> Cost:
        """`count` blocks of which `active` work in one operation, side by side."""
        return Cost(self.area * count, self.delay, self.energy * active, self.leakage * count)
