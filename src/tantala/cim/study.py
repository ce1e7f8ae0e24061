"""How good a network on tiles is, and why it is not better.

Every study asks several chips (seeds) the same questions and leaves the models as it found them:
effects are set back, and the noise of a study's reads does not move the noise of the next ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.cim.effects import EFFECTS
from tantala.cim.layers import AnalogLayer
from tantala.cim.study_results import (
    Ablation,
    Accuracy,
    AgedAccuracy,
    EffectShare,
    Estimate,
    LayerError,
    LayerErrors,
)

if TYPE_CHECKING:
    from tantala.cim.model import AnalogModel

Quantity = float | str
Metric = Callable[[torch.Tensor], float]
Progress = Callable[[str], None]

BATCH = 256  # images a pass; the result does not depend on it
# What does nothing by itself: cells fail at a write and age after it, and a converter that resolves
# everything has no errors of its own.
NEEDS = {"failed_cells": "programming", "ageing": "programming", "adc_errors": "adc_quantisation"}


def accuracy(
    model_fn: Callable[[int], AnalogModel],
    data: Any,
    targets: Any,
    seeds: int | Sequence[int] = 10,
    ages: Iterable[tuple[Quantity, Quantity]] = (),
    progress: Progress | None = None,
    service: Callable[[AnalogModel], None] | None = None,
) -> Accuracy:
    """Share of right answers over chips.

    model_fn  a seed's chip, ready for use: converts and, where wanted, calibrates
    data, targets   inputs (images, ...) and the number of the right class of each
    seeds     how many chips, or their seeds
    ages      (time, temperature); each is the age of a freshly written chip, not added to the last
    progress  called with a text before each step
    service   what is done to a chip before it is measured, at every age: a re-calibration

    Raises InputError for data or targets that do not fit, RangeViolation for an age at which the
    cell was not measured.
    """
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen:
        raise InputError(Problem("no chip to ask", "seeds", "0", "1 or more"))
    told = progress or _silent
    times = [
        (to_si(time, "s", name="time"), to_si(temperature, "K", name="temperature"))
        for time, temperature in ages
    ]
    inputs = as_inputs(data)
    metric = correct(targets)
    found = np.empty((len(chosen), 1 + len(times)))
    for row, seed in enumerate(chosen):
        name = f"chip {row + 1} of {len(chosen)}"
        told(f"{name}: writing")
        written = model_fn(seed)
        told(f"{name}: freshly written")
        model = _serviced(copy.deepcopy(written) if service else written, service)
        found[row, 0] = _measured(model, inputs, metric)
        for column, (time, kelvin) in enumerate(times, start=1):
            told(f"{name}: age {column} of {len(times)}")
            old = copy.deepcopy(written)
            old.elapse(time, kelvin)
            _serviced(old, service)
            found[row, column] = _measured(old, inputs, metric)
    fresh, *aged = (Estimate(tuple(map(float, column))) for column in found.T)
    return Accuracy(
        chosen,
        len(inputs),
        fresh,
        tuple(AgedAccuracy(*age, one) for age, one in zip(times, aged, strict=True)),
    )


def _serviced(model: AnalogModel, service: Callable[[AnalogModel], None] | None) -> AnalogModel:
    if service is not None:
        service(model)
    return model


def ablate(
    models: AnalogModel | Iterable[AnalogModel],
    data: Any,
    metric: Metric,
    progress: Progress | None = None,
    service: Callable[[AnalogModel], None] | None = None,
) -> Ablation:
    """`metric` of the outputs with each effect off in turn, and with each alone.

    models  one chip or several (an iterable is gone through once). "Off" is relative to the effects
            that were on; those are set back afterwards, also after an error.
    metric  of all outputs, such as `correct(targets)`

    service what is done to a chip with each choice of effects before it is measured: calibrates it,
            corrects it. Ranges and corrections are set back.

    An effect that does nothing by itself is alone together with what it `NEEDS`. Without `service`
    ranges and corrections stay as they were fitted, to a chip with all its effects; where one of
    these is large (long wires, `recalibrate`), a chip without it is then served badly.
    """
    told = progress or _silent
    inputs = as_inputs(data)
    found: dict[tuple[str, str], list[float]] = {}
    for number, model in enumerate(_each(models), start=1):
        for (kind, effect), chosen in _combinations(model.effects).items():
            told(f"chip {number}: {kind} {effect.replace('_', ' ')}".rstrip())
            with _restored(model):
                model.effects = chosen
                value = _measured(_serviced(model, service), inputs, metric)
            found.setdefault((kind, effect), []).append(value)
    if not found:
        raise InputError(Problem("no chip to ask", "models", "none", "1 or more"))
    estimates = {key: Estimate(tuple(values)) for key, values in found.items()}
    return Ablation(
        estimates["all", ""],
        estimates["none", ""],
        tuple(
            EffectShare(
                effect,
                estimates["without", effect],
                estimates["alone", effect],
                NEEDS.get(effect),
            )
            for effect in EFFECTS
        ),
    )


def layer_errors(models: AnalogModel | Iterable[AnalogModel], data: Any) -> LayerErrors:
    """Relative error (root mean square) of each analog layer on the inputs that reach it.

    A layer's reference is its digital form on the same inputs, errors of the layers before it
    included; so each row is the layer's own share.
    """
    inputs = as_inputs(data)
    squares: dict[str, list[tuple[float, float, int]]] = {}
    shapes: dict[str, tuple[int, int]] = {}
    for model in _each(models):
        shapes = {
            name: (layer.matrix.rows, _outputs(layer)) for name, layer in model.layers.items()
        }
        for name, sums in _squares(model, inputs).items():
            squares.setdefault(name, []).append(sums)
    if not shapes:
        raise InputError(Problem("no chip to ask", "models", "none", "1 or more"))
    return LayerErrors(
        tuple(_layer_error(name, shape, squares[name]) for name, shape in shapes.items())
    )


def correct(targets: Any) -> Metric:
    """The metric "share of outputs whose largest value is at the target".

    The metric raises InputError for outputs that are no scores of as many samples, and for targets
    outside the classes.
    """
    wanted = torch.as_tensor(np.asarray(targets) if isinstance(targets, list) else targets)
    if wanted.is_floating_point() and not bool((wanted == wanted.round()).all()):
        raise InputError(Problem("targets are no class numbers", "targets", str(wanted.dtype)))
    wanted = wanted.long()

    def share(outputs: torch.Tensor) -> float:
        check_targets(outputs, wanted)
        return float((outputs.argmax(-1).cpu() == wanted.cpu()).double().mean())

    return share


def check_targets(outputs: torch.Tensor, targets: torch.Tensor) -> None:
    """Raise InputError where targets do not fit outputs (samples, ..., classes)."""
    if outputs.dim() < 2 or outputs.shape[:-1] != targets.shape:
        raise InputError(
            Problem(
                "outputs and labels do not match",
                got=f"outputs {tuple(outputs.shape)}, labels {tuple(targets.shape)}",
                allowed="outputs (samples, classes) and one label a sample",
            )
        )
    low, high, classes = int(targets.min()), int(targets.max()), outputs.shape[-1]
    if low < 0 or high >= classes:
        raise InputError(
            Problem(
                "a label outside the classes of the network",
                "labels",
                f"{low} to {high}",
                f"0 to {classes - 1}",
                hint="labels counted from 0, or a network with more outputs",
            )
        )


def as_inputs(data: Any) -> torch.Tensor:
    """Data as one tensor (samples, ...). Raises InputError for none, for NaN and for infinity."""
    inputs = data if isinstance(data, torch.Tensor) else torch.as_tensor(np.asarray(data))
    if inputs.dtype == torch.float64:
        inputs = inputs.float()
    if inputs.dim() < 1 or len(inputs) == 0:
        raise InputError(Problem("no samples", "data", str(tuple(inputs.shape)), "one or more"))
    if inputs.is_floating_point() and not bool(torch.isfinite(inputs).all()):
        bad = int((~torch.isfinite(inputs)).sum())
        raise InputError(
            Problem("data hold NaN or infinity", "data", f"{bad} such values", "finite numbers")
        )
    return inputs


def outputs_of(model: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """Outputs of all inputs, in batches; `.logits` of a model that answers with more.

    Raises InputError for outputs that are no tensor or hold NaN.
    """
    parts = []
    with torch.no_grad():
        for start in range(0, len(inputs), BATCH):
            answer = model(inputs[start : start + BATCH])
            answer = getattr(answer, "logits", answer)
            if not isinstance(answer, torch.Tensor):
                got, allowed = type(answer).__name__, "a tensor, or an object with .logits"
                raise InputError(Problem("the network's answer is no tensor", "", got, allowed))
            parts.append(answer)
    outputs = torch.cat(parts)
    if bool(torch.isnan(outputs).any()):
        hint = "finite weights and inputs that are scaled as in training"
        raise InputError(Problem("the network answers NaN", hint=hint))
    return outputs


def _measured(model: AnalogModel, inputs: torch.Tensor, metric: Metric) -> float:
    """The metric, with the noise that the model's next reads would have; they have it again."""
    images = {name: layer.matrix.images for name, layer in model.layers.items()}
    try:
        value = metric(outputs_of(model, inputs))
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(
                Problem(
                    "the metric answers no number",
                    got=repr(value)[:60],
                    allowed="a number, such as the share of right answers",
                    hint="cim.correct(labels)",
                )
            ) from None
    finally:
        for name, layer in model.layers.items():
            layer.matrix.images = images[name]


@contextmanager
def _restored(model: AnalogModel) -> Iterator[None]:
    """Leave a model as it is now: effects, which may differ from layer to layer, ranges and
    corrections, and the noise of its next reads.
    """
    layers = list(model.layers.values())
    before = [(layer.matrix.effects, layer.matrix.images, layer.fitted()) for layer in layers]
    try:
        yield
    finally:
        for layer, (effects, images, fitted) in zip(layers, before, strict=True):
            layer.matrix.effects, layer.matrix.images = effects, images
            layer.fit(fitted)


def _combinations(before: frozenset[str]) -> dict[tuple[str, str], frozenset[str]]:
    """(kind, effect) and the effects that are then on."""
    chosen = {("all", ""): before, ("none", ""): frozenset[str]()}
    for effect in EFFECTS:
        needed = {NEEDS[effect]} if effect in NEEDS else set[str]()
        chosen["without", effect] = before - {effect}
        chosen["alone", effect] = frozenset({effect} | needed)
    return chosen


def _squares(model: AnalogModel, inputs: torch.Tensor) -> dict[str, tuple[float, float, int]]:
    """Of each layer: sum of squared differences, of squared digital answers, and their number."""
    sums: dict[str, tuple[float, float, int]] = dict.fromkeys(model.layers, (0.0, 0.0, 0))

    def compare(layer: torch.nn.Module, given: tuple[Any, ...], answer: torch.Tensor) -> None:
        assert isinstance(layer, AnalogLayer)
        exact = layer.digital(given[0]).double()
        difference, size, count = sums[layer.name]
        sums[layer.name] = (
            difference + float((answer.double() - exact).square().sum()),
            size + float(exact.square().sum()),
            count + exact.numel(),
        )

    handles = [layer.register_forward_hook(compare) for layer in model.layers.values()]
    try:
        _measured(model, inputs, lambda outputs: 0.0)
    finally:
        for handle in handles:
            handle.remove()
    return sums


def _layer_error(
    name: str, shape: tuple[int, int], sums: list[tuple[float, float, int]]
) -> LayerError:
    if not all(count for _, _, count in sums):
        return LayerError(name, *shape, None, None, None)
    error = Estimate(tuple(math.sqrt(off / count) for off, _, count in sums))
    output = math.sqrt(math.fsum(size / count for _, size, count in sums) / len(sums))
    relative = None
    if all(size > 0.0 for _, size, _ in sums):
        relative = Estimate(tuple(math.sqrt(off / size) for off, size, _ in sums))
    return LayerError(name, *shape, error, output, relative)


def _outputs(layer: AnalogLayer) -> int:
    return layer.matrix.groups * layer.matrix.outputs


def _each(models: AnalogModel | Iterable[AnalogModel]) -> Iterable[AnalogModel]:
    return [models] if isinstance(models, torch.nn.Module) else models


def _silent(_: str) -> None:
    pass
