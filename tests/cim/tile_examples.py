"""Tiles, models and references that the tests of compute in memory share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from tantala import cim

IDEAL: tuple[str, ...] = ()


def ideal_tile(**changes: Any) -> cim.Tile:
    """A tile with so many bits that only rounding of float32 is left."""
    bits = {"weight_bits": 22, "input_bits": 22, "bits_per_phase": 22, "adc_bits": 24} | changes
    return cim.load_tile("cim_256x256_28nm", **bits)


def analog(module: torch.nn.Module, tile: Any, effects: Iterable[str]) -> cim.AnalogModel:
    """`module` on tiles, simulated with `effects` only."""
    model = cim.convert(module, tile)
    model.effects = effects
    return model


def relative(answer: torch.Tensor, wanted: torch.Tensor) -> float:
    """Norm of the difference over the norm of what is wanted."""
    wanted = wanted.detach()
    return float((answer.detach() - wanted).norm() / wanted.norm())


def scalar_conversion(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """A linear layer in plain loops: integer inputs, integer digits, one conversion at a time."""
    tile, matrix = layer.tile, layer.matrix
    highest = 2 ** (tile.input_bits - 1) - 1
    whole = matrix.digital[0].numpy().astype(int)
    lsb = (matrix.converters.range[0] / (2 ** (tile.adc_bits - 1) - 1)).numpy()
    answers = np.zeros((len(x), matrix.outputs))
    for n, vector in enumerate(x.numpy()):
        step = np.abs(vector).max() / highest
        inputs = np.clip(np.rint(vector / step), -highest, highest)
        for o in range(matrix.outputs):
            total = 0.0
            for s in range(tile.slices):
                place = tile.radix**s
                signal = sum(
                    i * int(np.sign(w)) * ((abs(w) // place) % tile.radix)
                    for i, w in zip(inputs, whole[:, o], strict=True)
                )
                half = 2 ** (tile.adc_bits - 1)
                code = min(max(int(np.rint(signal / lsb[s])), -half), half - 1)
                total += code * lsb[s] * place
            answers[n, o] = total * float(matrix.scale[0, o]) * step
    return torch.from_numpy(answers).float() + layer.bias.detach()
