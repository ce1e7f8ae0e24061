"""A network on tiles, measured: what `tantala infer` computes and hands on."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si

if TYPE_CHECKING:
    from torch import nn

    from tantala.cim import AnalogModel, Tile
    from tantala.cim.ledger import CimCost
    from tantala.cim.network_files import Samples
    from tantala.cim.study_results import Ablation, Accuracy, LayerErrors

Quantity = float | str
Progress = Callable[[str], None]

CALIBRATED_ON = 256  # samples, where the data name none for it
FORMAT = 1  # of the JSON


@dataclass(frozen=True)
class AblationAt:
    """An ablation at an age: `time` [s], 0 when fresh, and `temperature` [K]."""

    time: float
    temperature: float | None
    ablation: Ablation


@dataclass(frozen=True)
class Inference:
    """All that is known of one network on one kind of tile.

    digital       accuracy of the network as torch computes it
    calibration   the sentence that says which samples set the ranges
    cost          of the first chip, for these inputs
    """

    network: str
    data: str
    tile: Tile
    digital: float
    accuracy: Accuracy
    ablations: tuple[AblationAt, ...]
    layers: LayerErrors
    cost: CimCost
    calibration: str

    def as_data(self) -> dict[str, Any]:
        """The figures as JSON values; times in s, temperatures in K."""
        return {
            "format": FORMAT,
            "network": self.network,
            "data": self.data,
            "tile": self.tile.name,
            "seeds": list(self.accuracy.seeds),
            "images": self.accuracy.images,
            "calibration": self.calibration,
            "digital_accuracy": self.digital,
            "accuracy": self.accuracy.fresh.as_data(),
            "aged": [
                {"time_s": age.time, "temperature_K": age.temperature} | age.estimate.as_data()
                for age in self.accuracy.aged
            ],
            "ablation": [
                {
                    "time_s": at.time,
                    "temperature_K": at.temperature,
                    "effects": at.ablation.table().to_dicts(),
                }
                for at in self.ablations
            ],
            "layers": self.layers.table().to_dicts(),
            "cost": _cost(self.cost),
        }


@dataclass(frozen=True)
class _Chips:
    """How the chips of a report are made and served."""

    network: nn.Module
    tile: str | Tile
    digital: tuple[str, ...]
    calibration: Any
    recalibrate: str

    def written(self, seed: int, age: tuple[float, float] | None = None) -> AnalogModel:
        """A chip of an age, neither calibrated nor corrected."""
        from tantala import cim

        model = cim.convert(self.network, tile=self.tile, seed=seed, digital=self.digital)
        if age is not None:
            model.elapse(*age)
        return model

    def calibrated(self, seed: int) -> AnalogModel:
        """A new chip with its ranges set."""
        model = self.written(seed)
        model.calibrate(self.calibration)
        return model

    def serviced(self, seed: int) -> AnalogModel:
        """A new chip, calibrated and corrected."""
        model = self.calibrated(seed)
        self.service(model)
        return model

    def service(self, model: AnalogModel) -> None:
        """Correct the outputs, if so asked."""
        if self.recalibrate:
            model.recalibrate(self.calibration, self.recalibrate)

    def prepare(self, model: AnalogModel) -> None:
        """As a chip with just these effects would be: calibrated when new, corrected now."""
        effects = model.effects
        model.effects = effects - {"ageing"}
        model.calibrate(self.calibration)
        model.effects = effects
        self.service(model)


def infer(
    network: nn.Module,
    samples: Samples,
    tile: str | Tile,
    seeds: int = 10,
    ages: Sequence[tuple[Quantity, Quantity]] = (),
    names: tuple[str, str] = ("network", "data"),
    progress: Progress | None = None,
    recalibrate: str = "",
    digital: Sequence[str] = (),
) -> Inference:
    """Convert, calibrate, measure and explain.

    seeds   chips; each is one seed from 0 on
    ages    (time, temperature), each of a freshly written chip
    names   of network and data, for the report
    recalibrate   "layer" or "column": at every age the chips are corrected on the calibration
                  samples first (`AnalogModel.recalibrate`); "" for not
    digital   names or patterns of layers that stay digital

    The ablation is done on the fresh chips and, where ages are given, at the last one.

    Raises InputError for data that do not fit the network, RangeViolation for an age at which the
    cell was not measured.
    """
    from tantala.cim import study

    told = progress or (lambda text: None)
    told("the network without tiles")
    inputs = study.as_inputs(samples.inputs)
    metric = study.correct(samples.labels)
    without = metric(_digital_outputs(network, inputs))
    calibration, sentence = _calibration(network, samples, inputs)
    if recalibrate:
        sentence += f"; outputs corrected by {recalibrate} on them at every age"

    chips = _Chips(network, tile, tuple(digital), calibration, recalibrate)
    found = study.accuracy(
        chips.calibrated, inputs, samples.labels, seeds, ages, told, chips.service
    )
    last = [(age.time, age.temperature) for age in found.aged[-1:]]
    ablations = []
    for age in (None, *last):
        time, kelvin = age or (0.0, None)
        aged = (chips.written(seed, age) for seed in range(seeds))
        share = study.ablate(
            aged, inputs, metric, lambda text: told(f"ablation of {text}"), chips.prepare
        )
        ablations.append(AblationAt(time, kelvin, share))
    told("errors of the layers")
    layers = study.layer_errors((chips.serviced(seed) for seed in range(seeds)), inputs)
    one = chips.calibrated(0)
    told("cost")
    cost = one.cost(inputs.split(study.BATCH))
    return Inference(*names, one.tile, without, found, tuple(ablations), layers, cost, sentence)


def _digital_outputs(network: nn.Module, inputs: Any) -> Any:
    """Outputs of the network as torch computes it; a shape that it refuses is the user's error."""
    from tantala.cim import study

    try:
        return study.outputs_of(network.eval(), inputs)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise InputError(
            Problem(
                "the network does not take these inputs",
                got=f"samples of shape {tuple(inputs.shape[1:])}, {inputs.dtype}",
                because=str(error).strip().splitlines()[0],
                hint="the shape and type that it was trained with",
            )
        ) from error


def _calibration(network: nn.Module, samples: Samples, inputs: Any) -> tuple[Any, str]:
    """Inputs that set the ranges, and the sentence that says which they are."""
    from tantala.cim import study

    if samples.calibration is not None:
        given = study.as_inputs(samples.calibration)
        _digital_outputs(network, given)
        count = len(given)
        return given, f"ranges from the {count:,} samples given for calibration"
    count = min(len(inputs), CALIBRATED_ON)
    return inputs[:count], f"ranges from the first {count:,} inputs of the data, without labels"


def require_torch() -> None:
    """Raise InputError with the way to install torch where it is absent."""
    try:
        importlib.import_module("torch")
    except ImportError as error:
        raise InputError(
            Problem(
                "networks on tiles need torch, which is not installed",
                because=str(error),
                hint="pip install 'tantala[torch]'",
            )
        ) from error


def checked_ages(
    times: Sequence[str], temperatures: Sequence[str]
) -> tuple[tuple[float, float], ...]:
    """Ages (s, K) of texts; one temperature serves all times.

    Raises InputError for texts that are no time or temperature, and for numbers of them that do not
    match.
    """
    if temperatures and not times:
        raise InputError(Problem("a temperature without a time", "--temperature", hint="--time"))
    if len(temperatures) not in (0, 1, len(times)):
        raise InputError(
            Problem(
                "times and temperatures do not match",
                got=f"{len(times)} times, {len(temperatures)} temperatures",
                allowed="one temperature for all times, or one each",
            )
        )
    each = list(temperatures) or ["25 degC"]
    each = each * len(times) if len(each) == 1 else each
    return tuple(
        (
            to_si(time, "s", name="time", where="--time"),
            to_si(temperature, "K", name="temperature", where="--temperature"),
        )
        for time, temperature in zip(times, each, strict=True)
    )


def _cost(cost: CimCost) -> dict[str, Any]:
    names = ("energy_J", "latency_s", "area_m2", "tops_per_watt", "tops_per_mm2", "bits")
    return {
        **{name: getattr(cost, name) for name in names},
        "energy_by_part_J": dict(cost.breakdown),
        "assumptions": list(cost.assumptions),
        "layers": cost.table().to_dicts(),
    }
