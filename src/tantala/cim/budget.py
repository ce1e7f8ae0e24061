"""Which layers of a large model stay digital when a chip has fewer tiles than the model needs.

A weight in a cell costs area whether it is used or not, and nothing to keep; one in digital memory
must be kept powered and be fetched. So tiles go to the layers that are used least an inference
(experts of a mixture that few tokens reach, classifier heads), and the hottest, used for every
token or pixel, stay digital: their digital arithmetic is busy anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tantala.base.errors import InputError, Problem
from tantala.cim.conversion import Rule, kind_of, prepared
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
    """Layers on tiles, and those left digital for want of tiles: both the most used first.

    rules: what was to stay digital in any case.
    """

    on_tiles: tuple[LayerNeed, ...]
    left_digital: tuple[LayerNeed, ...]
    rules: tuple[Rule, ...]

    @property
    def tiles(self) -> int:
        """Tiles that the layers on tiles occupy."""
        return sum(layer.tiles for layer in self.on_tiles)

    @property
    def digital(self) -> list[Rule]:
        """All that stays digital, for `convert(..., digital=...)`."""
        return [*self.rules, *(layer.name for layer in self.left_digital)]


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
    digital   what stays digital in any case, as of `convert` ("*shared_expert*")

    Layers leave the tiles from the most used on until the rest fit; then, from the least used on,
    those that still find room return. Raises InputError for no tiles, a model of which no layer
    fits, and what `convert` refuses.
    """
    if tiles < 1:
        raise InputError(Problem("tiles of a chip", got=str(tiles), allowed="1 or more"))
    copied, found, rules = prepared(model, digital)
    if not found:
        raise InputError(Problem("no layer is left for tiles", type(model).__name__))
    needs = sorted(
        _needs(copied, found, load_tile(tile), data),
        key=lambda need: (-need.uses, -need.tiles),
    )
    placed, left = list(needs), []
    while sum(need.tiles for need in placed) > tiles:
        left.append(placed.pop(0))
    for need in reversed(left):
        if sum(other.tiles for other in placed) + need.tiles <= tiles:
            placed.append(need)
    if not placed:
        smallest = min(need.tiles for need in needs)
        raise InputError(
            Problem(
                "no layer fits the tiles",
                got=f"{tiles} tiles",
                allowed=f"{smallest} or more, the smallest layer",
            )
        )
    return Budget(
        tuple(need for need in needs if need in placed),
        tuple(need for need in needs if need not in placed),
        tuple(rules),
    )


def _needs(
    model: nn.Module, found: list[tuple[str, nn.Module]], tile: Tile, data: Any
) -> list[LayerNeed]:
    """Every layer with its uses by the sample inputs."""
    outputs: dict[str, int] = {}
    vectors: dict[str, float] = {}
    needs: list[tuple[str, int, int]] = []
    handles = []
    for name, module in found:
        kind = kind_of(module)
        assert kind is not None
        weight: Any = module.weight
        layer = kind(module, tile, name or "model")
        groups, rows, columns = layer.matrices(weight).shape
        place = Placement.of(rows, columns, tile, layer.multiple)
        needs.append((name, groups * place.parts * place.column_tiles(tile), weight.numel()))
        outputs[name], vectors[name] = groups * columns, 0.0

        def count(_: Any, __: Any, output: torch.Tensor, name: str = name) -> None:
            vectors[name] += output.numel() / outputs[name]

        handles.append(module.register_forward_hook(count))
    arguments = data if isinstance(data, tuple) else (data,)
    try:
        with torch.no_grad():
            model(*arguments)
    finally:
        for handle in handles:
            handle.remove()
    return [LayerNeed(*need, vectors[need[0]] / len(arguments[0])) for need in needs]
