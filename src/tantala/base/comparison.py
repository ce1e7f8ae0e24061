"""A published figure beside ours: what a comparison with silicon is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure beside ours; values in SI.

    `use` is "calibration" where the figure set a constant, "check" where it did not.
    `published` is (low, high), equal for a single number. `ratio` is predicted over published, to
    the nearer end of a range and 1 within it. `band` is the factor within which they should agree.
    """

    figure: str
    use: str
    unit: str
    published: tuple[float, float]
    predicted: float
    tag: str
    band: float
    how: str

    @property
    def ratio(self) -> float:
        low, high = self.published
        return self.predicted / min(max(self.predicted, low), high)

    @property
    def met(self) -> bool:
        """Within the band."""
        return 1.0 / self.band <= self.ratio <= self.band

    @property
    def band_text(self) -> str:
        """The band as people write it."""
        return f"+-{self.band - 1:.0%}" if self.figure == "area" else f"x{self.band:g}"

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "figure": self.figure,
            "use": self.use,
            "unit": self.unit,
            "published": list(self.published),
            "predicted": self.predicted,
            "ratio": self.ratio,
            "tag": self.tag,
            "band": self.band,
            "met": self.met,
            "how": self.how,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One published chip: its use, what was compared, refused, assumed or left out, and why."""

    name: str
    title: str
    use: str
    why: str
    comparisons: tuple[Comparison, ...] = ()
    refused: str = ""
    assumed: dict[str, str] = field(default_factory=dict)
    not_predicted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Error:
    """Geometric-mean error of one figure over the rows of one use."""

    use: str
    figure: str
    error: float
    count: int

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {"use": self.use, "figure": self.figure, "error": self.error, "count": self.count}


def summary(rows: Iterable[Row]) -> tuple[Error, ...]:
    """Geometric-mean error, exp(mean |ln ratio|), by use and figure."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        for comparison in row.comparisons:
            ratios.setdefault((comparison.use, comparison.figure), []).append(comparison.ratio)
    return tuple(
        Error(use, figure, math.exp(sum(abs(math.log(r)) for r in found) / len(found)), len(found))
        for (use, figure), found in sorted(ratios.items())
    )
