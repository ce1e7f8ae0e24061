"""The result of a cost: energy, latency and area an inference and a layer, with its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tantala.cim.tile_cost import PARTS


@dataclass(frozen=True)
class LayerCost:
    """One layer an inference. `where` is "tiles" or "digital".

    energy [J] and area [m^2] by part, latency [s], macs; tiles occupied and cells used of them;
    shares of zero input digits and zero weights (None where not known).
    """

    name: str
    where: str
    macs: float
    energy: Mapping[str, float]
    area: Mapping[str, float]
    latency_s: float
    tiles: int = 0
    utilisation: float | None = None
    zero_inputs: float | None = None
    zero_weights: float | None = None
    mean_square: float | None = None
    bits: tuple[int, int] = (0, 0)

    @property
    def energy_J(self) -> float:
        """Energy an inference, J."""
        return sum(self.energy.values())

    @property
    def area_m2(self) -> float:
        """Area, m^2."""
        return sum(self.area.values())


@dataclass(frozen=True)
class CimCost:
    """Cost of one inference of a model on tiles; layers compute one after another.

    bits   (input, weight) of the tile; `assumptions` what the figures rest on, in sentences;
    `chips` None unless `tiles_per_chip` was given.
    """

    layers: tuple[LayerCost, ...]
    bits: tuple[int, int]
    cells_of_tiles: int
    cells_used: int
    assumptions: tuple[str, ...] = ()
    chips: int | None = None

    @property
    def energy_J(self) -> float:
        """Energy an inference, J."""
        return sum(layer.energy_J for layer in self.layers)

    @property
    def latency_s(self) -> float:
        """Latency of an inference, s."""
        return sum(layer.latency_s for layer in self.layers)

    @property
    def area_m2(self) -> float:
        """Area, m^2."""
        return sum(layer.area_m2 for layer in self.layers)

    @property
    def tiles(self) -> int:
        """Tiles occupied."""
        return sum(layer.tiles for layer in self.layers)

    @property
    def utilisation(self) -> float:
        """Cells used over cells of the tiles occupied."""
        return self.cells_used / self.cells_of_tiles if self.cells_of_tiles else 0.0

    @property
    def operations(self) -> float:
        """Operations an inference: two a product."""
        return 2.0 * sum(layer.macs for layer in self.layers)

    @property
    def tops_per_watt(self) -> float:
        """Operations over energy, 1e12/J, at `bits`."""
        return self.operations / self.energy_J / 1e12

    @property
    def tops_per_mm2(self) -> float:
        """Operations a second over area, 1e12/s/mm^2, at `bits`, one layer working at a time."""
        return self.operations / self.latency_s / (self.area_m2 * 1e6) / 1e12

    @property
    def tops_per_watt_1b(self) -> float:
        """`tops_per_watt` times the product of the bits: as if a product of 1 b by 1 b counted.

        Each layer counts with its own bits.
        """
        done = 2.0 * sum(layer.macs * layer.bits[0] * layer.bits[1] for layer in self.layers)
        return done / self.energy_J / 1e12

    @property
    def breakdown(self) -> dict[str, float]:
        """Energy an inference by part, J: the parts of tiles, leakage, and the digital part."""
        return self._parts("energy")

    @property
    def area_breakdown(self) -> dict[str, float]:
        """Area by part, m^2."""
        return self._parts("area")

    def _parts(self, what: str) -> dict[str, float]:
        total: dict[str, float] = dict.fromkeys((*PARTS, "leakage", "digital"), 0.0)
        for layer in self.layers:
            for part, value in getattr(layer, what).items():
                total[part] += value
        if what == "area":
            del total["leakage"]
        return total

    def table(self) -> Any:
        """A polars frame, a row a layer: energies [J] by part, latency, area, tiles, shares."""
        import polars as pl

        parts = (*PARTS, "leakage", "digital")
        rows = [
            {
                "layer": layer.name,
                "where": layer.where,
                "macs": float(layer.macs),
                "energy_J": layer.energy_J,
                **{f"{part}_J": float(layer.energy.get(part, 0.0)) for part in parts},
                "latency_s": layer.latency_s,
                "area_m2": layer.area_m2,
                "tiles": layer.tiles,
                "utilisation": layer.utilisation,
                "zero_inputs": layer.zero_inputs,
                "zero_weights": layer.zero_weights,
                "mean_square_input": layer.mean_square,
                "input_bits": layer.bits[0],
                "weight_bits": layer.bits[1],
            }
            for layer in self.layers
        ]
        return pl.DataFrame(rows, infer_schema_length=None)
