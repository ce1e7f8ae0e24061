"""Process nodes from the library, and any node between them by smooth interpolation.

Between two library nodes every parameter is a monotone cubic (Fritsch-Carlson) in log-log, so that
a node sweep has no step and follows the library exactly at its nodes.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from tantala.base.binding import bind
from tantala.base.errors import InputError, Problem, RangeViolation, unknown
from tantala.base.library import load_item, names
from tantala.base.pchip import Pchip
from tantala.base.quantity import to_si
from tantala.base.record import Item
from tantala.technology import transistor, wire
from tantala.technology.process import (
    CORNERS,
    CapacitorParameters,
    CornerSpread,
    LogicParameters,
    Process,
)
from tantala.technology.transistor import Transistor, TransistorParameters
from tantala.technology.wire import WireGeometry, WireMaterial

T = TypeVar("T")
COLDEST, HOTTEST = 233.15, 423.15  # K: -40 and 150 degC, the range asked of the models
ROUNDING = 1e-6  # K, so that sums such as -40 + 273.15 stay inside
LOWEST_SUPPLY, HIGHEST_SUPPLY = 0.5, 1.25  # of the nominal core supply
_NODE_NAME = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*nm\s*$")


@dataclass(frozen=True)
class Technology:
    """A process node: parameters at typical conditions; `at` gives it under conditions.

    `node` is in m. `items` are the library items whose numbers it rests on (one, or the neighbours
    between which it was interpolated).
    """

    name: str
    node: float
    core: TransistorParameters
    io: TransistorParameters
    local: WireGeometry
    intermediate: WireGeometry
    top: WireGeometry
    material: WireMaterial
    logic: LogicParameters
    capacitor: CapacitorParameters
    spread: CornerSpread
    items: tuple[Item, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def at(
        self,
        corner: str = "typical",
        temperature: float | str = 300.0,
        supply: float | str | None = None,
        extrapolate: bool = False,
    ) -> Process:
        """The process at a corner, a temperature (-40 to 150 degC) and a core supply.

        `supply` None is the nominal one; 0.5 to 1.25 of it is allowed. Raises RangeViolation
        outside these ranges unless `extrapolate`, InputError for an unknown corner.
        """
        if corner not in CORNERS:
            raise InputError(unknown("corner", corner, CORNERS))
        kelvin = to_si(temperature, "K", name="temperature")
        volt = self.core.supply if supply is None else to_si(supply, "V", name="supply")
        outside = self._outside(kelvin, volt)
        if outside and not extrapolate:
            raise RangeViolation(outside)
        if kelvin <= 0.0 or volt <= 0.0:
            raise InputError(Problem("temperature and supply must be positive"))
        direction = CORNERS[corner]
        shift = transistor.corner_shift(direction, self.spread)
        levels = {
            level: wire.conditioned(
                getattr(self, level),
                self.material,
                kelvin,
                1.0 - direction["wire"] * self.spread.wire_resistance,
                1.0 - direction["wire"] * self.spread.wire_capacitance,
            )
            for level in ("local", "intermediate", "top")
        }
        return Process(
            node=self.node,
            corner=corner,
            temperature=kelvin,
            core=Transistor(self.core, kelvin, volt, shift),
            io=Transistor(self.io, kelvin, self.io.supply, shift),
            logic=self.logic,
            capacitor=self.capacitor,
            extrapolated=tuple(problem.what for problem in outside),
            **levels,
        )

    def _outside(self, kelvin: float, volt: float) -> list[Problem]:
        problems = []
        if not COLDEST - ROUNDING <= kelvin <= HOTTEST + ROUNDING:
            problems.append(
                Problem(
                    "temperature outside the transistor models",
                    self.name,
                    f"{kelvin:.6g} K",
                    "-40 to 150 degC",
                )
            )
        low, high = LOWEST_SUPPLY * self.core.supply, HIGHEST_SUPPLY * self.core.supply
        if not low * (1.0 - 1e-9) <= volt <= high * (1.0 + 1e-9):
            problems.append(
                Problem(
                    "core supply outside the transistor models",
                    self.name,
                    f"{volt:.4g} V",
                    f"{low:.3g} to {high:.3g} V",
                )
            )
        return problems


def load_technology(name: str | float | Path) -> Technology:
    """A node by name ("28nm", "35 nm"), by length in m, or from a user's TOML file.

    Nodes from 22 to 180 nm that have no library file are interpolated. Raises InputError for an
    unknown name, RangeViolation for a node outside.
    """
    if isinstance(name, str) and _NODE_NAME.match(name):
        nanometre = float(_NODE_NAME.match(name)[1])  # pyright: ignore[reportOptionalSubscript]
        return _at_node(nanometre)
    if isinstance(name, (int, float)):
        return _at_node(float(f"{name * 1e9:.9g}"))
    return from_item(load_item("technology", name))


def from_item(item: Item) -> Technology:
    """The technology of one library item."""
    return Technology(
        name=item.name,
        node=item.value("node", "m"),
        core=bind(TransistorParameters, item, "core"),
        io=bind(TransistorParameters, item, "io"),
        local=bind(WireGeometry, item, "wire.local"),
        intermediate=bind(WireGeometry, item, "wire.intermediate"),
        top=bind(WireGeometry, item, "wire.global"),
        material=bind(WireMaterial, item, "wire.material"),
        logic=bind(LogicParameters, item, "logic"),
        capacitor=bind(CapacitorParameters, item, "capacitor"),
        spread=bind(CornerSpread, item, "corner"),
        items=(item,),
    )


def _library_nodes() -> dict[float, str]:
    """{nanometres: library name} of the shipped nodes."""
    found = {name: _NODE_NAME.match(name) for name in names("technology")}
    return {float(match[1]): name for name, match in found.items() if match}


def _at_node(nanometre: float) -> Technology:
    nodes = _library_nodes()
    if nanometre in nodes:
        return from_item(load_item("technology", nodes[nanometre]))
    low, high = min(nodes), max(nodes)
    if not low <= nanometre <= high:
        raise RangeViolation(
            Problem(
                "node outside the library",
                got=f"{nanometre:g} nm",
                allowed=f"{low:g} to {high:g} nm",
            )
        )
    anchors = [from_item(load_item("technology", nodes[node])) for node in sorted(nodes)]
    return interpolate(anchors, nanometre * 1e-9)


def interpolate(anchors: list[Technology], node: float) -> Technology:
    """A technology at `node` [m] between `anchors` (sorted by node)."""
    x = np.log([anchor.node for anchor in anchors])
    parts = {
        field.name: _blend([getattr(anchor, field.name) for anchor in anchors], x, np.log(node))
        for field in dataclasses.fields(Technology)
        if dataclasses.is_dataclass(getattr(anchors[0], field.name))
    }
    above = int(np.searchsorted(x, np.log(node)))
    neighbours = anchors[max(above - 1, 0) : above + 1]
    items = tuple(item for anchor in neighbours for item in anchor.items)
    return Technology(name=f"{node * 1e9:g}nm", node=node, items=items, **parts)


def _blend(parts: list[T], x: np.ndarray, at: float) -> T:
    """One parameter set, each number interpolated over `x`."""
    fields = [field.name for field in dataclasses.fields(parts[0])]  # pyright: ignore
    table = np.array([[getattr(part, name) for name in fields] for part in parts])
    positive = np.all(table > 0.0, axis=0)
    scaled = np.where(positive, np.log(np.where(positive, table, 1.0)), table)
    blended = np.array([Pchip(x, column)(at) for column in scaled.T])
    values = np.where(positive, np.exp(blended), blended)
    return type(parts[0])(**dict(zip(fields, map(float, values), strict=True)))
