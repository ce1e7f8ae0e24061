"""Which layers of a large model stay digital when a chip has fewer tiles than the model needs.

A weight in a cell costs area whether it is used or not, and nothing to keep; one in digital memory
must be kept powered and be fetched. So tiles go to the layers that are used least an inference
(experts of a mixture that few tokens reach, classifier heads), and the hottest, used for every
token or pixel, stay digital: their digital arithmetic is busy anyway.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tantala.base.errors import InputError, Problem
from tantala.cim.attention import project
from tantala.cim.conversion import Rule, kept, kind_of
from tantala.cim.tile import Tile, load_tile
from tantala.cim.weights import Placement


@dataclass(frozen=True)
class LayerNeed:
    """A layer's tiles, weights, and input vectors an inference."""

    name: str
    tiles: int
    weights: int
    uses: float


@dataclass(frozen=True)
class Budget:
    """Layers on tiles and layers that stay digital, the hottest of them first."""

    on_tiles: tuple[LayerNeed, ...]
    digital: tuple[LayerNeed, ...]

    @property
    def tiles(self) -> int:
        """Tiles that the layers on tiles occupy."""
        return sum(layer.tiles for layer in self.on_tiles)

    @property
    def names(self) -> list[str]:
        """What stays digital, for `convert(..., digital=...)`."""
        return [layer.name for layer in self.digital]


def within(
    model: nn.Module,
    tiles: int,
    data: Any,
    tile: str | Path | Tile = "cim_256x256_28nm",
    digital: Rule | Iterable[Rule] = (),
) -> Budget:
    """Which layers of `model` go on `tiles` tiles at most, and which stay digital.

    data      sample inputs, a tensor or a tuple of arguments, whose first dimension counts
              inferences: they tell how often each layer is used
    digital   layers that stay digital in any case, as of `convert` ("*shared_expert*")

    Layers leave the tiles from the most used on until the rest fit; then, from the least used on,
    those that still find room return. Raises InputError for no tiles, or a model of which no layer
    fits.
    """
    if tiles < 1:
        raise InputError(Problem("tiles of a chip", got=str(tiles), allowed="1 or more"))
    base = load_tile(tile)
    rules: list[Rule] = (
        [digital] if isinstance(digital, str) or callable(digital) else list(digital)
    )
    seen = project(copy.deepcopy(model).eval(), lambda name, module: kept(name, module, rules))
    needs = sorted(_needs(seen, base, data), key=lambda need: (-need.uses, -need.tiles))
    asked = [n for n in needs if kept(n.name, seen.get_submodule(n.name), rules)]
    placed = [n for n in needs if n not in asked]
    moved: list[LayerNeed] = []
    while sum(n.tiles for n in placed) > tiles:
        moved.append(placed.pop(0))
    for need in reversed(moved):
        if sum(n.tiles for n in placed) + need.tiles <= tiles:
            placed.append(need)
    if not placed:
        smallest = min((n.tiles for n in needs), default=0)
        raise InputError(
            Problem(
                "no layer fits the tiles",
                got=f"{tiles} tiles",
                allowed=f"{smallest} or more, the smallest layer",
            )
        )
    stays = tuple(n for n in needs if n not in placed)
    return Budget(tuple(n for n in needs if n in placed), stays)


def _needs(model: nn.Module, tile: Tile, data: Any) -> list[LayerNeed]:
    """Every layer that has a form on tiles, with its uses by the sample inputs."""
    found: dict[str, Any] = {
        name: module for name, module in model.named_modules() if kind_of(module) is not None
    }
    vectors = dict.fromkeys(found, 0.0)
    shapes: dict[str, Placement] = {}
    groups: dict[str, int] = {}
    handles = []
    for name, module in found.items():
        kind = kind_of(module)
        assert kind is not None
        layer = kind(module, tile, name or "model")
        groups[name], rows, outputs = layer.matrices(module.weight).shape
        shapes[name] = Placement.of(rows, outputs, tile, layer.multiple)

        def count(_: Any, __: Any, output: torch.Tensor, name: str = name) -> None:
            vectors[name] += output.numel() / (shapes[name].outputs * groups[name])

        handles.append(module.register_forward_hook(count))
    arguments = data if isinstance(data, tuple) else (data,)
    try:
        with torch.no_grad():
            model(*arguments)
    finally:
        for handle in handles:
            handle.remove()
    return [
        LayerNeed(
            name,
            groups[name] * shapes[name].parts * shapes[name].column_tiles(tile),
            groups[name] * shapes[name].rows * shapes[name].outputs,
            vectors[name] / len(arguments[0]),
        )
        for name in found
    ]
