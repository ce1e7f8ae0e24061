"""The fewest converter bits a layer needs: layer by layer, on the inputs that it really gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tantala.base.errors import InputError, Problem
from tantala.cim.layers import AnalogLayer

FEWEST = 2


def choose_adc_bits(
    layers: dict[str, AnalogLayer], run: Callable[[], None], tolerance: float
) -> dict[str, int]:
    """Give every layer the fewest bits with which quantisation changes it by less than `tolerance`.

    The change is the root mean square over that of the layer's answer; the tile's own bits are the
    most. `run` passes the data through the model. Returns {layer: bits}.
    """
    if not 0.0 < tolerance < 1.0:
        raise InputError(Problem("bad tolerance", got=f"{tolerance:g}", allowed="above 0, below 1"))
    inputs = _inputs(layers, run)
    return {name: _fewest(layer, inputs[name], tolerance) for name, layer in layers.items()}


def _inputs(layers: dict[str, AnalogLayer], run: Callable[[], None]) -> dict[str, torch.Tensor]:
    """The last batch that every layer sees."""
    seen: dict[str, torch.Tensor] = {}

    def keep(layer: Any, given: tuple[Any, ...], _: Any) -> None:
        seen[layer.name] = given[0]

    handles = [layer.register_forward_hook(keep) for layer in layers.values()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _fewest(layer: AnalogLayer, x: torch.Tensor, tolerance: float) -> int:
    matrix, most = layer.matrix, layer.tile.adc_bits
    effects, images = matrix.effects, matrix.images

    def answer(bits: int, chosen: frozenset[str]) -> torch.Tensor:
        layer.use_tile(layer.tile.varied(adc_bits=bits))
        matrix.effects, matrix.images = chosen, images  # the same noise each time
        return layer.analog(x)

    with torch.no_grad():
        exact = answer(most, effects - {"adc_quantisation", "adc_errors"})
        chosen = most
        for bits in range(most, FEWEST - 1, -1):
            change = answer(bits, (effects | {"adc_quantisation"}) - {"adc_errors"}) - exact
            if float(change.norm()) >= tolerance * float(exact.norm()):
                break
            chosen = bits
    layer.use_tile(layer.tile.varied(adc_bits=chosen))
    matrix.effects = effects
    return chosen
