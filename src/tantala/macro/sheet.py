"""A macro's figures, each with a breakdown whose parts sum to it exactly."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tantala.base.errors import InputError, Problem
from tantala.macro.metrics import METRICS, Metric


def total(parts: Mapping[str, float]) -> float:
    """Left-to-right sum of the parts: the one order of addition."""
    value = 0.0
    for part in parts.values():
        value = value + part
    return value


@dataclass(frozen=True, slots=True)
class Sheet:
    """Figures of one macro at one corner and temperature: a read-only mapping by metric name.

    Attributes:
        design: name of the design.
        corner: process corner.
        temperature: junction temperature, K.
        parts: metric name -> part name -> value in the metric's unit; the value of a metric is the
            sum of its parts.
        facts: quantities that explain the figures but are no metric (dimensions in m, counts,
            currents in A).
        records: dotted names of the library numbers that were used.
        extrapolated: validity ranges that were exceeded with the caller's consent.
    """

    design: str
    corner: str
    temperature: float
    parts: Mapping[str, Mapping[str, float]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    records: tuple[Any, ...] = ()
    extrapolated: tuple[str, ...] = ()
    values: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        frozen = {name: MappingProxyType(dict(parts)) for name, parts in self.parts.items()}
        object.__setattr__(self, "parts", MappingProxyType(frozen))
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))
        sums = {name: total(parts) for name, parts in frozen.items()}
        object.__setattr__(self, "values", MappingProxyType(sums))

    def __getitem__(self, name: str) -> float:
        self._require(name)
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def breakdown(self, name: str) -> Mapping[str, float]:
        """Parts of a figure, in its own unit and in the order in which they add up to it exactly.

        Raises:
            InputError: the figure is unknown or does not apply to this design.
        """
        self._require(name)
        return self.parts[name]

    def metric(self, name: str) -> Metric:
        """Unit, direction and title of a figure."""
        self._require(name)
        return METRICS[name]

    def _require(self, name: str) -> None:
        if name in self.values:
            return
        near = difflib.get_close_matches(name, self.values, n=1)
        raise InputError(
            Problem(
                what="no such figure on this sheet",
                where=self.design,
                got=name,
                allowed=", ".join(self.values),
                hint=f"did you mean {near[0]}?" if near else "",
            )
        )
