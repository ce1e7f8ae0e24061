"""Torch modules whose products are done by tiles: linear, convolution, embedding.

An input becomes whole numbers by a converter with one range a layer (`input_range`, from
calibration) or, before calibration, one range a sample. An input that is never negative uses all
bits for its magnitude. Products are exact over batches: the result of a sample does not depend on
what else is in its batch.
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tantala.base.errors import InputError, Problem
from tantala.cim import gpu_products
from tantala.cim.matrix import AnalogMatrix
from tantala.cim.tile import Tile

CHUNK_VALUES = 1 << 18  # column signals a pass: 1 MB, which stays in the second-level cache


class AnalogLayer(nn.Module, abc.ABC):
    """What the layers share. `weight` and `bias` are those of the digital layer.

    input_range   (): largest |input|; 0 before calibration
    output_gain, output_offset   (outputs,) digital correction after the converters
    """

    input_range: torch.Tensor
    output_gain: torch.Tensor
    output_offset: torch.Tensor
    bad: torch.Tensor
    multiple = 1  # rows that stay together in a part
    columns_second = False  # the dimension of outputs: the second, or the last
    has_kernels = False  # whether `on_gpu` has a form of its own

    def __init__(self, weight: Any, bias: Any, tile: Tile, name: str) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias
        self.tile, self.name = tile, name
        outputs = self.matrices(weight).shape[0] * self.matrices(weight).shape[2]
        self.register_buffer("input_range", torch.zeros(()))
        self.register_buffer("output_gain", torch.ones(outputs))
        self.register_buffer("output_offset", torch.zeros(outputs))
        # 1 once a kernel has met an input that is no number; looked at after a whole model's pass.
        self.register_buffer("bad", torch.zeros((), dtype=torch.int32), persistent=False)
        self.noise_in_training = 0.0
        self.told_later = False  # whether the model around looks at `bad` after its pass
        self._watch: Any = None
        self._done: Any = None

    def program(self, seed: int, first: int) -> int:
        """Put the weights into cells at addresses `first` ...; returns the cells used."""
        weight = self.matrices(self.weight).detach().cpu().double().numpy()
        if not np.isfinite(weight).all():
            raise InputError(
                Problem(
                    "weights that are no numbers", self.name, "NaN or infinity", "finite weights"
                )
            )
        self.matrix = AnalogMatrix(weight, self.tile, self.name, seed, first, self.multiple)
        self._set_range()
        self.to(self.weight.device)
        return sum(len(cells) for cells in self.matrix.cells)

    @property
    def signed(self) -> torch.Tensor:
        """(): whether inputs may be negative; they are taken to be, until calibration has seen."""
        return self.matrix.converters.signed

    def use_tile(self, tile: Tile) -> None:
        """Go on with another tile that differs in its converter's bits only."""
        self.tile = self.matrix.tile = self.matrix.converters.tile = tile
        self.matrix.converters.forget()

    def _set_range(self) -> None:
        self.matrix.converters.set_range(self.matrix.columns)

    def rewrite(self) -> None:
        """Write the weights as they are now into the same cells."""
        self.matrix.rewrite(self.matrices(self.weight).detach().cpu().double().numpy())

    @abc.abstractmethod
    def matrices(self, weight: torch.Tensor) -> torch.Tensor:
        """(groups, rows, outputs) of the weight; rows in the order in which tiles hold them."""

    def whole_inputs(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Whole inputs, and what one of them is worth: a number a sample or one of all."""
        if self.input_range > 0:
            largest = self.input_range
        else:
            dims = tuple(range(1, x.dim()))
            largest = x.abs().amax(dim=dims, keepdim=True).clamp(min=1e-30)
        highest = self.highest(bool(self.signed))
        step = largest / highest
        if "input_quantisation" not in self.matrix.effects:
            return x / step, step
        return self._held((x / step).round_()), step

    def highest(self, signed: bool) -> int:
        """The largest whole input; one bit with a sign is -1, 0 or 1."""
        bits = self.tile.input_bits
        return max(2 ** (bits - 1) - 1, 1) if signed else 2**bits - 1

    def _held(self, whole: torch.Tensor) -> torch.Tensor:
        """`whole`, in place, within what an input's bits can say."""
        highest = self.highest(bool(self.signed))
        return whole.clamp_(-highest if bool(self.signed) else 0, highest)

    def phases(self, whole: torch.Tensor) -> list[torch.Tensor]:
        """Digits of whole inputs, least significant first; with the sign of the input."""
        if self.tile.phases == 1 and self.tile.inputs == "row_voltage":
            return [whole]
        if "input_quantisation" not in self.matrix.effects:
            whole = self._held(whole.round())  # several phases, or a word line, send whole numbers
        sign, rest = whole.sign(), whole.abs().to(torch.int64)
        bits = self.tile.bits_per_phase
        mask = (1 << bits) - 1
        return [
            sign * ((rest >> (bits * k)) & mask).to(whole.dtype) for k in range(self.tile.phases)
        ]

    def fitted(self) -> list[torch.Tensor]:
        """Copies of all ranges and corrections, for `fit`."""
        return [one.clone() for one in self._fitted()]

    def fit(self, values: list[torch.Tensor]) -> None:
        """Take ranges and corrections that `fitted` gave."""
        for one, value in zip(self._fitted(), values, strict=True):
            one.copy_(value)
        self.matrix.converters.forget()

    def _fitted(self) -> tuple[torch.Tensor, ...]:
        converters = self.matrix.converters
        own = self.input_range, self.output_gain, self.output_offset
        return *own, converters.range, converters.signed

    # -- calibration -----------------------------------------------------------------------------

    def observe_input(self) -> None:
        """From now on, keep the largest magnitude of the inputs and whether any is negative."""
        seen = {"largest": 0.0, "negative": False}

        def watch(layer: AnalogLayer, x: torch.Tensor) -> None:
            seen["largest"] = max(seen["largest"], float(x.abs().max()))
            seen["negative"] = seen["negative"] or bool((x < 0).any())

        def done() -> None:
            if seen["largest"] > 0.0:
                self.input_range.fill_(seen["largest"])
                self.signed.fill_(seen["negative"])
                self.matrix.converters.forget()

        self._watch, self._done = watch, done

    def observe_signal(self, headroom: float) -> None:
        """From now on, keep the largest column signal of every conversion."""
        converters = self.matrix.converters
        converters.observe()
        self._watch, self._done = None, lambda: converters.observed(headroom)

    def stop_observing(self, take: bool) -> None:
        """Take what was seen as the ranges, or leave them."""
        if take:
            self._done()
        self._watch = self._done = None
        self.matrix.converters.stop_observing()

    def finish(
        self, added: torch.Tensor, total: torch.Tensor | None, step: torch.Tensor
    ) -> torch.Tensor:
        """Outputs (..., outputs) of whole sums (..., groups, outputs)."""
        if total is not None:
            added = added - total * self.tile.offset
        scale, shift = self.scale_and_shift()
        return torch.addcmul(shift, added.reshape(*added.shape[:-2], -1), scale * step)

    def scale_and_shift(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What each output is multiplied with digitally, and what is added to it, (outputs,)."""
        scale = self.matrix.scale.reshape(-1) * self.output_gain
        return scale, self.output_offset if self.bias is None else self.output_offset + self.bias

    def training_weight(self) -> torch.Tensor:
        """The weight as training sees it: quantised, with write noise, straight through."""
        matrices = self.matrices(self.weight)
        largest = matrices.detach().abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
        step = largest / self.tile.largest_weight
        whole = matrices.detach() / step
        noise = torch.randn_like(whole) * self.noise_in_training
        seen = (whole.round() + noise) * step
        return matrices + (seen - matrices).detach()

    def training_input(self, x: torch.Tensor) -> torch.Tensor:
        """The input as training sees it: quantised, straight through."""
        whole, step = self.whole_inputs(x.detach().clone())
        return x + (whole * step - x).detach()

    @abc.abstractmethod
    def digital(self, x: torch.Tensor) -> torch.Tensor:
        """What the layer would answer without tiles, in full precision."""

    @abc.abstractmethod
    def analog(self, x: torch.Tensor) -> torch.Tensor:
        """What the tiles answer."""

    def on_gpu(self, x: torch.Tensor) -> torch.Tensor:
        """As `analog`, by kernels of a GPU where the layer has them."""
        return self.analog(x)

    @abc.abstractmethod
    def trained(self, x: torch.Tensor) -> torch.Tensor:
        """What training sees, with gradients."""

    @abc.abstractmethod
    def misfit(self, x: torch.Tensor) -> str:
        """What shape or type of input the layer takes, if `x` has another; else nothing."""

    def _check(self, x: Any) -> None:
        """Raise InputError for what is no tensor, lies elsewhere or has another shape or type."""
        device = self.matrix.columns.device
        if not isinstance(x, torch.Tensor):
            raise InputError(
                Problem(
                    "input that is no tensor", self.name, type(x).__name__, "a torch.Tensor",
                    hint="torch.as_tensor(x)",
                )
            )  # fmt: skip
        if self.matrix.columns.dtype != torch.float32:
            raise InputError(
                Problem(
                    "a chip turned to other numbers",
                    self.name,
                    str(self.matrix.columns.dtype).removeprefix("torch."),
                    "float32",
                    hint="chip.float(), or convert the network as it is, in half numbers too",
                )
            )
        if x.device != device:
            raise InputError(
                Problem(
                    "input on another device than the model",
                    self.name,
                    str(x.device),
                    str(device),
                    hint=f"x.to('{device}'), or model.to('{x.device}')",
                )
            )
        if allowed := self.misfit(x):
            got = f"{tuple(x.shape)} of {str(x.dtype).removeprefix('torch.')}"
            raise InputError(Problem("input that the layer does not take", self.name, got, allowed))

    def _check_numbers(self, x: torch.Tensor) -> None:
        if x.is_floating_point() and not torch.isfinite(x.detach().sum(dtype=torch.float32)):
            self.refuse_numbers()

    def refuse_numbers(self) -> None:
        """Raise InputError for inputs that are no numbers."""
        raise InputError(
            Problem("input that is no number", self.name, "NaN or infinity", "finite inputs")
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's answer; in training mode with straight-through gradients."""
        self._check(x)
        by_kernels = not self.training and gpu_products.serves(self, x)
        if not by_kernels:
            self._check_numbers(x)  # kernels look themselves, on their way
        if self._watch is not None:
            self._watch(self, x)
        if self.training:
            return self.trained(x)
        with torch.no_grad():
            if not by_kernels:
                return self.analog(x).to(self.weight.dtype)
            with torch.cuda.device_of(x):
                answer = self.on_gpu(x)
            if not self.told_later and int(self.bad):
                self.bad.zero_()
                self.refuse_numbers()
            return answer.to(self.weight.dtype)


class AnalogLinear(AnalogLayer):
    """nn.Linear on tiles, or a layer whose weight is the transpose (`Conv1D` of transformers).

    Inputs (..., rows), outputs (..., outputs).
    """

    has_kernels = True

    def __init__(self, linear: Any, tile: Tile, name: str) -> None:
        self.transposed = isinstance(linear, nn.Linear)
        shape = linear.weight.shape
        self.in_features, self.out_features = shape[::-1] if self.transposed else shape
        super().__init__(linear.weight, linear.bias, tile, name)

    def matrices(self, weight: torch.Tensor) -> torch.Tensor:
        return (weight.t() if self.transposed else weight)[None]

    def misfit(self, x: torch.Tensor) -> str:
        fits = x.dim() > 0 and x.shape[-1] == self.in_features and not x.is_complex()
        return "" if fits else f"real numbers (..., {self.in_features})"

    def digital(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self.matrices(self.weight)[0].t(), self.bias)

    def trained(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(self.training_input(x), self.training_weight()[0].t(), self.bias)

    def on_gpu(self, x: torch.Tensor) -> torch.Tensor:
        vectors = (x if x.is_floating_point() else x.float()).reshape(-1, self.in_features)
        images = x.shape[0] if x.dim() > 1 else 1
        a_sample = max(vectors.shape[0] // max(images, 1), 1)
        # All vectors are the pixels of one line of one image.
        windows = gpu_products.Windows(size=(1, vectors.shape[0]))
        outputs = gpu_products.answers(self, vectors.t()[None, :, None], windows, a_sample)
        self.matrix.images += images
        return outputs.view(*x.shape[:-1], self.out_features)

    def analog(self, x: torch.Tensor) -> torch.Tensor:
        images = x.shape[0] if x.dim() > 1 else 1
        vectors = x.reshape(-1, self.in_features).float()
        pixels = max(vectors.shape[0] // max(images, 1), 1)
        whole, step = self.whole_inputs(x.float() if x.dim() > 1 else x[None].float())
        whole = whole.reshape(vectors.shape)
        place = self.matrix.placement
        added = vectors.new_zeros(vectors.shape[0], 1, self.out_features)
        for phase, digit in enumerate(self.phases(whole)):
            padded = F.pad(digit, (0, place.parts * place.part_rows - place.rows))
            rows = padded.view(-1, place.parts, place.part_rows).transpose(0, 1)
            signal = (
                self.matrix.ladder_signals(rows)
                if self.matrix.gated
                else torch.bmm(rows, self.matrix.columns[0])
            )
            variance = None
            if "read_noise" in self.matrix.effects:
                variance = torch.bmm(rows.square(), self.matrix.variance[0])
            shape = (place.parts, -1, 1, self.tile.slices, self.out_features)
            added += self.matrix.converters.convert(
                signal.view(shape),
                None if variance is None else variance.view(shape),
                pixels,
                phase,
                self.matrix.images,
            )
        self.matrix.images += images
        total = whole.sum(-1)[:, None, None] if self.tile.offset else None
        if step.dim():
            step = step.reshape(-1, 1).expand(-1, pixels).reshape(-1, 1)
        return self.finish(added, total, step).view(*x.shape[:-1], self.out_features)
