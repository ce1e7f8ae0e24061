"""A model on tiles: the user's network with some layers computed by cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.cim import study
from tantala.cim.bit_choice import choose_adc_bits
from tantala.cim.effects import EFFECTS
from tantala.cim.layers import AnalogLayer
from tantala.cim.ledger import CimCost
from tantala.cim.recalibration import recalibrate
from tantala.cim.study import Metric
from tantala.cim.study_results import Ablation, LayerErrors
from tantala.cim.tile import Tile


def _tensors(batch: Any) -> list[torch.Tensor]:
    """The tensors among what a model takes."""
    parts = batch.values() if isinstance(batch, Mapping) else batch
    parts = [batch] if isinstance(batch, torch.Tensor) else parts
    return [part for part in parts if isinstance(part, torch.Tensor)]


class AnalogModel(nn.Module):
    """The converted model: called like the model it came from.

    layers  the analog layers, in the order of the model; `tile` and `seed` as converted
    """

    def __init__(self, network: nn.Module, tile: Tile, seed: int) -> None:
        super().__init__()
        self.network = network
        self.tile, self.seed = tile, seed
        self.eval()

    @property
    def layers(self) -> dict[str, AnalogLayer]:
        """Analog layers by name."""
        return {module.name: module for module in self.modules() if isinstance(module, AnalogLayer)}

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the network answers."""
        layers = list(self.layers.values())
        for layer in layers:
            layer.told_later = True
            layer.bad.zero_()
        try:
            answer = self.network(*inputs, **named)
            # One look at the GPU for all layers.
            bad = torch.stack([layer.bad.to(layers[0].bad.device) for layer in layers]).tolist()
        finally:
            for layer in layers:
                layer.told_later = False
        if any(bad):
            layers[bad.index(1)].refuse_numbers()
        return answer

    @property
    def effects(self) -> frozenset[str]:
        """What the tiles are simulated with, names of `EFFECTS`."""
        return next(iter(self.layers.values())).matrix.effects

    @effects.setter
    def effects(self, names: Iterable[str]) -> None:
        if isinstance(names, str | Mapping):
            raise InputError(
                Problem(
                    "effects are names of those that are on",
                    got=repr(names)[:60],
                    allowed="a set or list of names",
                    hint="chip.effects - {'wires'} leaves one out",
                )
            )
        chosen = frozenset(names)
        raise_if([unknown("effect", name, EFFECTS) for name in sorted(chosen - set(EFFECTS))])
        for layer in self.layers.values():
            layer.matrix.effects = chosen

    def elapse(self, time: float | str, temperature: float | str = "25 degC") -> None:
        """Relaxation and retention of every cell for `time` at `temperature`.

        Raises RangeViolation where the cell's ageing was not measured.
        """
        for layer in self.layers.values():
            for cells in layer.matrix.cells:
                cells.population.wait(time, temperature)
            layer.matrix.refresh()

    def calibrate(self, data: Any, headroom: float = 1.0) -> None:
        """Set input and converter ranges from sample inputs: one tensor, or an iterable of batches.

        Each layer's input range is the largest magnitude seen; each conversion's range the largest
        signal seen, times `headroom`. A batch is what the model takes: a tensor, a tuple of
        arguments or a dict of named ones. Raises InputError for data without a batch, with NaN in
        them or nothing but zeros, and for a headroom below 1, with which they would clip.
        """
        if not 1.0 <= headroom <= 100.0:
            raise InputError(
                Problem(
                    "a headroom with which the calibration data clip" if headroom < 1.0
                    else "a headroom that leaves no code to the data",
                    got=f"{headroom:g}",
                    allowed="1 to 100",
                )
            )  # fmt: skip
        run = self._runner(data)
        self._observe(run, "observe_input")
        self._observe(run, "observe_signal", headroom)

    def _observe(self, run: Callable[[], None], what: str, *arguments: Any) -> None:
        seen = False
        try:
            for layer in self.layers.values():
                getattr(layer, what)(*arguments)
            run()
            seen = True
        finally:
            for layer in self.layers.values():
                layer.stop_observing(seen)

    def recalibrate(self, data: Any, by: str = "column") -> None:
        """Correct gains digitally from sample inputs: by "layer" (drift) or by "column".

        See `tantala.cim.recalibration`; `data` as in `calibrate`.
        """
        recalibrate(self.layers, self._runner(data), by)

    def choose_adc_bits(self, data: Any, tolerance: float = 0.02) -> dict[str, int]:
        """Give every layer the fewest converter bits; see `tantala.cim.bit_choice`."""
        return choose_adc_bits(self.layers, self._runner(data), tolerance)

    def _runner(self, data: Any) -> Callable[[], None]:
        """Passes sample inputs through the model; raises InputError for none, NaN, zeros only."""
        batches = [data] if isinstance(data, torch.Tensor | Mapping) else list(data)
        tensors = [one for batch in batches for one in _tensors(batch)]
        if not batches or any(len(one) == 0 for one in tensors if one.dim()):
            raise InputError(Problem("no sample inputs", allowed="one batch at least, none empty"))
        numbers = [one for one in tensors if one.is_floating_point()]
        if not all(bool(torch.isfinite(one).all()) for one in numbers):
            raise InputError(Problem("sample inputs hold NaN or infinity"))
        if numbers and not any(bool(one.any()) for one in tensors):
            raise InputError(Problem("sample inputs are all zero", hint="inputs as in use"))

        def run() -> None:
            with torch.no_grad():
                for batch in batches:
                    if isinstance(batch, Mapping):
                        self(**batch)
                    else:
                        self(*batch) if isinstance(batch, tuple) else self(batch)

        return run

    def cost(
        self,
        data: Any = None,
        shape: tuple[int, ...] | None = None,
        tiles_per_chip: int | None = None,
    ) -> CimCost:
        """Energy, latency and area of an inference; see `tantala.cim.cost.cost`."""
        from tantala.cim.cost import cost

        return cost(self, data, shape, tiles_per_chip)

    def train(self, mode: bool = True) -> AnalogModel:
        """Training mode sees quantised weights with the noise that writing left, straight through.

        After training call `reprogram`: the cells hold the old weights until then.
        """
        super().train(mode)
        if mode:
            for layer in self.layers.values():
                layer.noise_in_training = layer.matrix.weight_error()
        return self

    def reprogram(self) -> None:
        """Write the weights as they are now into the cells, by write-verify."""
        for layer in self.layers.values():
            layer.rewrite()
        self.eval()

    # -- studies ---------------------------------------------------------------------------------

    def ablate(
        self, data: Any, metric: Metric, service: Callable[[AnalogModel], None] | None = None
    ) -> Ablation:
        """`metric` of the outputs with each effect off in turn, and alone; see `study.ablate`."""
        return study.ablate(self, data, metric, service=service)

    def layer_errors(self, data: Any) -> LayerErrors:
        """Error of each analog layer on the inputs that reach it; see `study.layer_errors`."""
        return study.layer_errors(self, data)
