"""From a torch model to one on tiles: which modules become what, and where their cells lie."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.random import seed_words
from tantala.cim.attention import project
from tantala.cim.convolution import AnalogConv
from tantala.cim.embedding import AnalogEmbedding
from tantala.cim.layers import AnalogLayer, AnalogLinear
from tantala.cim.model import AnalogModel
from tantala.cim.tile import Tile, load_tile

Rule = str | Callable[[str, nn.Module], bool]


def convert(
    model: nn.Module,
    tile: str | Path | Tile = "cim_256x256_28nm",
    seed: int = 0,
    digital: Rule | Iterable[Rule] = (),
    layers: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> AnalogModel:
    """A copy of `model` whose linear layers and convolutions are computed by tiles of cells.

    tile      a library name, the path of a tile file, or a Tile
    seed      of the cells and converters: one seed is one chip
    digital   names, patterns such as "head.*", or functions (name, module) -> bool of layers that
              stay as they are
    layers    settings of the tile for some layers: {"features.0": {"adc_bits": 9}}; patterns too
    progress  called with (name, number, count) before each layer is programmed

    Raises InputError with every layer that cannot be converted, and what to do about each.
    """
    seed_words(seed)
    base = load_tile(tile)
    settings = dict(layers or {})
    copied, found, rules = prepared(model, digital)
    names = [name for name, _ in found]
    problems = _unmatched(settings, names)
    if not found:
        problems.append(
            Problem(
                "nothing to convert",
                type(model).__name__,
                "every layer is kept digital" if rules else "no layer that tiles compute",
                "Linear, Conv1d, Conv2d, Embedding, MultiheadAttention",
            )
        )
    raise_if(problems)
    first = 0
    layers_of: dict[int, AnalogLayer] = {}  # a module under several names stays one
    for number, (name, module) in enumerate(found):
        if progress is not None:
            progress(name, number, len(found))
        kind = kind_of(module)
        assert kind is not None
        layer = kind(module, base.varied(**_settings(name, settings)), name or "model")
        first += layer.program(seed, first)
        layers_of[id(module)] = layer.eval()
    for name, module in list(copied.named_modules(remove_duplicate=False)):
        if id(module) in layers_of:
            copied = _replaced(copied, name, layers_of[id(module)])
    return AnalogModel(copied, base, seed)


def prepared(
    model: nn.Module, digital: Rule | Iterable[Rule]
) -> tuple[nn.Module, list[tuple[str, nn.Module]], list[Rule]]:
    """A copy of `model` with its attentions taken apart, its layers for tiles, and the rules.

    Raises InputError for what is no model, rules that fit nothing, and layers without a form.
    """
    if not isinstance(model, nn.Module):
        raise InputError(
            Problem("not a torch model", got=type(model).__name__, allowed="a torch.nn.Module")
        )
    if isinstance(model, AnalogModel):
        raise InputError(
            Problem(
                "a model that is on tiles already",
                hint="convert the network that it was made of; chip.reprogram() writes again",
            )
        )
    held = [name for name, weight in model.named_parameters() if weight.is_meta]
    if held:
        raise InputError(
            Problem(
                "weights that are not there yet", held[0], "device 'meta'", "weights with values"
            )
        )
    rules = [digital] if isinstance(digital, str) or callable(digital) else list(digital)
    copied = copy.deepcopy(model).eval()
    copied = project(copied, lambda name, module: _kept(name, module, rules))
    every = dict(model.named_modules()) | dict(copied.named_modules())
    raise_if(_unmatched_rules(rules, every) + _unsupported(model, rules))
    found = [
        (name, module)
        for name, module in copied.named_modules()
        if kind_of(module) is not None and not _kept(name, module, rules)
    ]
    return copied, found, rules


def kind_of(module: nn.Module) -> Callable[..., AnalogLayer] | None:
    """What a module becomes; exactly these classes, since a subclass may compute otherwise."""
    if type(module) in (nn.Linear, nn.modules.linear.NonDynamicallyQuantizableLinear):
        return AnalogLinear
    if type(module) in (nn.Conv1d, nn.Conv2d):
        return AnalogConv
    if type(module) is nn.Embedding and module.max_norm is None:
        return AnalogEmbedding
    if type(module).__name__ == "Conv1D" and type(module).__module__.startswith("transformers."):
        return AnalogLinear  # the linear layer of GPT-2, with its weight transposed
    return None


_UNSUPPORTED = (
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
)


def _unsupported(model: nn.Module, rules: list[Rule]) -> list[Problem]:
    """Modules with weights that no tile computes, unless the user keeps them digital."""
    return [
        Problem(
            f"{type(module).__name__} has no form on tiles",
            name,
            allowed="Linear, Conv1d, Conv2d",
            hint=f"convert(..., digital=[{name!r}]), or write it with layers that are allowed",
        )
        for name, module in model.named_modules()
        if isinstance(module, _UNSUPPORTED) and not _kept(name, module, rules)
    ]


def _kept(name: str, module: nn.Module, rules: list[Rule]) -> bool:
    return any(_matches(rule, name, module) for rule in rules)


def _matches(rule: Rule, name: str, module: nn.Module) -> bool:
    if callable(rule):
        return bool(rule(name, module))
    return fnmatch.fnmatchcase(name, rule) or name.startswith(f"{rule}.")


def _settings(name: str, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for pattern, values in settings.items():
        if fnmatch.fnmatchcase(name, pattern):
            chosen.update(values)
    return chosen


def _unmatched(settings: Mapping[str, Any], names: list[str]) -> list[Problem]:
    """Patterns of `layers` that fit no layer."""
    return [
        unknown("layer", pattern, names, "layers")
        for pattern in settings
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names)
    ]


def _unmatched_rules(rules: list[Rule], every: Mapping[str, nn.Module]) -> list[Problem]:
    """Names and patterns of `digital` that fit no module of `every`."""
    return [
        unknown("layer", rule, [name for name in every if name], "digital")
        for rule in rules
        if isinstance(rule, str) and not any(_matches(rule, n, m) for n, m in every.items())
    ]


def _replaced(model: nn.Module, name: str, layer: nn.Module) -> nn.Module:
    if not name:
        return layer
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent) if parent else model, child, layer)
    return model
