"""Digital correction of what the analog layers do wrong on average: drift, offsets, wire losses.

A layer's answer y is compared with what its weights would answer, d, on the same inputs, and
corrected to a y + b by least squares: one gain for the whole layer (drift compensation), or a gain
and an offset for every column (column re-calibration). Costs one multiplication and one addition an
output, which a chip has anyway for the scales.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tantala.base.errors import InputError, Problem, unknown
from tantala.cim.effects import WAYS
from tantala.cim.layers import AnalogLayer


class _Sums:
    """Running sums over answers y and wanted d: n, y, d, y y, y d; a column each."""

    def __init__(self, layer: AnalogLayer) -> None:
        self.layer = layer
        self.totals: Any = 0

    def __call__(self, _: nn.Module, inputs: tuple[Any, ...], answer: torch.Tensor) -> None:
        wanted = self.layer.digital(inputs[0]).double()
        y = answer.double()
        if self.layer.columns_second:
            wanted, y = wanted.movedim(1, -1), y.movedim(1, -1)
        wanted, y = wanted.flatten(0, -2), y.flatten(0, -2)
        ones = torch.ones_like(y)
        self.totals = self.totals + torch.stack(
            [part.sum(0) for part in (ones, y, wanted, y * y, y * wanted)]
        )


def recalibrate(layers: dict[str, AnalogLayer], run: Any, by: str) -> None:
    """Correct every layer in the order of the model; `run` passes the data through it.

    Layers are corrected one after the other, each with the corrected inputs of those before it.
    """
    if by not in WAYS:
        raise InputError(unknown("way to re-calibrate", by, WAYS))
    for layer in layers.values():
        sums = _Sums(layer)
        handle = layer.register_forward_hook(sums)
        try:
            run()
        finally:
            handle.remove()
        _correct(layer, sums.totals, by)


def _correct(layer: AnalogLayer, totals: torch.Tensor, by: str) -> None:
    bias = 0.0 if layer.bias is None else layer.bias.detach().double()
    shift = layer.output_offset.double() + bias
    count, y, wanted, squares, products = totals
    if float(count.min()) < 2.0:
        raise InputError(
            Problem(
                "one vector tells no gain",
                layer.name,
                f"{float(count.min()):g} vectors",
                "2 or more",
                hint="more sample inputs",
            )
        )
    if by == "layer":
        # Only the part that the cells made drifts, not the digital shift.
        own_squares = squares - 2 * shift * y + count * shift**2
        own_products = products - shift * wanted - bias * (y - count * shift)
        gain = own_products.sum() / own_squares.sum().clamp(min=1e-300)
        layer.output_gain.mul_(gain.float())
        return
    spread = squares - y * y / count
    moving = spread > 1e-12 * squares.clamp(min=1e-300)
    gain = torch.where(moving, (products - y * wanted / count) / spread.clamp(min=1e-300), 1.0)
    offset = (wanted - gain * y) / count
    layer.output_gain.mul_(gain.float())
    layer.output_offset.copy_((gain * shift + offset - bias).float())
