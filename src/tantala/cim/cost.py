"""Cost of a model on tiles: the work of every layer, from sample inputs or evenly spread ones.

With sample inputs the energy of the cells is exact for them: the sum over rows of V^2 G t with the
digits that drive them, from the conductances that the cells have now (wires left out). A hook on
each layer adds them up, for convolutions by one convolution with the rows' conductances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from tantala.base.errors import InputError, Problem
from tantala.cim.convolution import AnalogConv
from tantala.cim.embedding import AnalogEmbedding
from tantala.cim.layers import AnalogLayer
from tantala.cim.ledger import CimCost, LayerCost
from tantala.cim.tile_cost import Operands, TileModel, Work
from tantala.circuit.converter import multiply_accumulate, sram_buffer

_DIGITAL = (nn.Linear, nn.Conv1d, nn.Conv2d)


def cost(
    model: Any,
    data: Any = None,
    shape: tuple[int, ...] | None = None,
    tiles_per_chip: int | None = None,
) -> CimCost:
    """What an inference of an `AnalogModel` costs.

    data            sample inputs, a tensor or an iterable of batches (first dimension: inferences)
    shape           of one input, without data: inputs are then taken as spread evenly
    tiles_per_chip  for the number of chips

    Without both, every layer is taken to be used once an inference. Raises InputError where that
    cannot be known, or for data without a batch.
    """
    if tiles_per_chip is not None and tiles_per_chip < 1:
        raise InputError(Problem("tiles of a chip", got=str(tiles_per_chip), allowed="1 or more"))
    meters = {name: _Meter(layer) for name, layer in model.layers.items()}
    digital = {
        name: _Counter(module) for name, module in model.named_modules() if type(module) in _DIGITAL
    }
    inferences = _observe(model, data, shape, [*meters.values(), *digital.values()])
    models = {name: TileModel.of(layer.tile) for name, layer in model.layers.items()}
    works = {
        name: meter.work(name, inferences, measured=data is not None)
        for name, meter in meters.items()
    }
    layers = [_analog(works[name], models[name]) for name in works]
    first = next(iter(models.values()))
    layers += [
        _digital(name.removeprefix("network."), counter, inferences, first)
        for name, counter in digital.items()
        if inferences and counter.products
    ]
    layers = _with_leakage(layers, works, models)
    tiles = sum(work.tiles for work in works.values())
    return CimCost(
        tuple(layers),
        (model.tile.input_bits, model.tile.weight_bits),
        sum(w.tiles * models[n].tile.cells for n, w in works.items()),
        sum(work.cells(models[name].tile) for name, work in works.items()),
        _assumptions(data, shape, digital),
        None if tiles_per_chip is None else math.ceil(tiles / tiles_per_chip),
    )


def _observe(model: Any, data: Any, shape: tuple[int, ...] | None, meters: list[Any]) -> int:
    """Run the model with the meters on; returns the inferences seen, 0 without any."""
    if data is None and shape is None:
        return 0
    if data is None:
        device = next(iter(model.layers.values())).matrix.columns.device
        batches: list[Any] = [torch.zeros(1, *shape, device=device)]  # pyright: ignore[reportOptionalIterable]
    else:
        batches = [data] if isinstance(data, torch.Tensor) else list(data)
    if not batches:
        raise InputError(Problem("no sample inputs", allowed="one batch at least"))
    handles = [meter.module.register_forward_hook(meter) for meter in meters]
    images = {name: layer.matrix.images for name, layer in model.layers.items()}
    try:
        with torch.no_grad():
            for batch in batches:
                model(batch)
    finally:
        for handle in handles:
            handle.remove()
        for name, layer in model.layers.items():
            layer.matrix.images = images[name]  # a cost leaves the noise of later answers alone
    return sum(len(batch) for batch in batches)


@dataclass
class _Counter:
    """Products of a layer that stays digital."""

    module: Any
    products: float = 0.0

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        weight = self.module.weight
        outputs = weight.shape[0]
        self.products += output.numel() / outputs * weight.numel()


@dataclass
class _Meter:
    """What drives the rows of one layer, added up over the inputs seen."""

    module: AnalogLayer
    vectors: float = 0.0
    digits: float = 0.0
    zeros: float = 0.0
    magnitude: float = 0.0  # sum of |digit| G over rows and passes, digits in parts of the largest
    square: float = 0.0
    rows: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.rows = _row_conductance(self.module)

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        layer, x = self.module, inputs[0]
        if isinstance(layer, AnalogEmbedding):
            driven = self.rows[0].to(x.device)[x.reshape(-1)].sum().item()
            self.vectors += x.numel()
            self.digits += x.numel() * layer.tile.phases
            # A look-up drives one row fully, in every pass.
            self.magnitude += driven * layer.tile.phases
            self.square += driven * layer.tile.phases
            return
        convolution = isinstance(layer, AnalogConv)
        outputs = layer.matrix.groups * layer.matrix.outputs
        self.vectors += output.numel() / outputs
        if convolution:
            x = _batched(layer, x)
            whole, _ = layer.whole_inputs(x.float())
            whole = layer._padded(whole)
        else:
            whole, _ = layer.whole_inputs((x if x.dim() > 1 else x[None]).float())
        for digit in layer.phases(whole):
            part = digit.abs().double() / _largest(layer)
            self.digits += part.numel()
            self.zeros += float((part == 0).sum())
            self.magnitude += self._driven(part)
            self.square += self._driven(part.square())

    def _driven(self, value: torch.Tensor) -> float:
        """Sum over vectors and rows of `value` times the row's conductance."""
        layer, rows = self.module, self.rows.to(value.device)
        if not isinstance(layer, AnalogConv):
            return float((value @ rows[0]).sum())
        kernel = rows.view(layer.groups, -1, *layer.kernel)
        return float(
            F.conv2d(value, kernel, None, layer.stride, 0, layer.dilation, layer.groups).sum()
        )

    def work(self, name: str, inferences: int, measured: bool) -> Work:
        """The layer's work for one inference."""
        layer, matrix, tile = self.module, self.module.matrix, self.module.tile
        lookup = isinstance(layer, AnalogEmbedding)
        if not inferences and (isinstance(layer, AnalogConv) or lookup):
            raise InputError(
                Problem(
                    "how often a layer is used is not known without inputs",
                    name,
                    hint="cost(data) with a batch, or cost(shape=(3, 32, 32)) for one input",
                )
            )
        total = float(self.rows.sum())
        vectors = self.vectors / inferences if inferences else 1.0
        if measured or lookup:
            passes = max(self.vectors * tile.phases, 1.0)
            mean, square = (v / passes / total for v in (self.magnitude, self.square))
            zeros = self.zeros / max(self.digits, 1.0)
            operands = Operands(mean, square, zeros, tile.bits_per_phase == 1)
        else:
            operands = Operands.even(tile.bits_per_phase)
        place = matrix.placement
        return Work(
            name,
            vectors,
            matrix.groups,
            place.parts,
            place.column_tiles(tile),
            matrix.rows,
            matrix.outputs,
            total,
            1.0 if lookup else place.parts,
            1.0 if lookup else matrix.rows,
            operands,
            float((matrix.digital == 0).float().mean()),
            2 if tile.inputs == "word_line" and bool(layer.signed) else 1,
        )


def _batched(layer: AnalogConv, x: torch.Tensor) -> torch.Tensor:
    """An input of a convolution as (images, channels, height, width)."""
    if x.dim() == (2 if layer.flat else 3):
        x = x[None]
    return x[..., None, :] if layer.flat else x


def _largest(layer: AnalogLayer) -> float:
    """The digit that is sent as the full read voltage."""
    tile = layer.tile
    whole = 2 ** (tile.input_bits - 1) - 1 if bool(layer.signed) else 2**tile.input_bits - 1
    return float(max(min(2**tile.bits_per_phase - 1, whole), 1))


def _row_conductance(layer: AnalogLayer) -> torch.Tensor:
    """(groups, rows) conductance of all cells on a row [S], float64."""
    rows = [
        torch.from_numpy(cells.conductance().sum(axis=(1, 2, 4), dtype="float64")).reshape(-1)
        for cells in layer.matrix.cells
    ]
    return torch.stack(rows)[:, : layer.matrix.rows]


def _analog(work: Work, model: TileModel) -> LayerCost:
    tile = model.tile
    used = work.cells(tile) / (work.tiles * tile.cells)
    return LayerCost(
        work.name,
        "tiles",
        work.macs,
        model.energy(work),
        {part: work.tiles * area for part, area in model.area().items()},
        model.latency(work),
        work.tiles,
        used,
        work.operands.zeros,
        work.zero_weights,
        work.operands.mean_square,
        (tile.input_bits, tile.weight_bits),
    )


def _digital(name: str, counter: _Counter, inferences: int, model: TileModel) -> LayerCost:
    """A layer computed by multipliers of the tile's technology, with its weights in SRAM."""
    tile, constants = model.tile, model.constants
    unit = multiply_accumulate(model.process, constants, tile.weight_bits, tile.input_bits)
    weights = counter.module.weight
    memory = sram_buffer(model.process, constants, weights.numel() * tile.weight_bits)
    units = constants.digital.units
    products = counter.products / inferences
    area = (units * float(unit.area) + float(memory.area)) * (1.0 + model.halo)
    return LayerCost(
        name,
        "digital",
        products,
        {"digital": products * float(unit.energy)},
        {"digital": area},
        math.ceil(products / units) * float(unit.delay),
        bits=(tile.input_bits, tile.weight_bits),
        zero_weights=float((weights == 0).float().mean()),
    )


def _with_leakage(
    layers: list[LayerCost], works: dict[str, Work], models: dict[str, TileModel]
) -> list[LayerCost]:
    """Every tile leaks for as long as an inference takes."""
    total = sum(layer.latency_s for layer in layers)
    return [
        replace(
            layer,
            energy={
                **layer.energy,
                "leakage": total * works[layer.name].tiles * models[layer.name].leakage(),
            },
        )
        if layer.name in works
        else layer
        for layer in layers
    ]


def _assumptions(data: Any, shape: Any, digital: Iterable[str]) -> tuple[str, ...]:
    if data is not None:
        source = "input statistics are those of the sample inputs"
    elif shape is not None:
        source = "inputs are assumed to be spread evenly; sizes are those of one input"
    else:
        source = "inputs are assumed to be spread evenly, and every layer to be used once"
    told = [
        source,
        "layers work one after another, the tiles of a layer together, and all leak meanwhile",
        "wires between tiles, functions between layers, control and supplies are not counted",
    ]
    if any(True for _ in digital):
        told.append("leakage of digital layers is not counted")
        if data is None and shape is None:
            told.append("digital layers are not counted without inputs")
    return tuple(told)
