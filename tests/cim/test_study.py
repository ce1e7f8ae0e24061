"""Studies of networks on tiles: intervals, ages, ablation, layer errors, and what is refused."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tantala import InputError
from tantala.base.errors import RangeViolation
from tantala.cim import load_tile

IDEAL = {"weight_bits": 16, "bits_per_cell": 1, "input_bits": 16, "bits_per_phase": 16}


@pytest.fixture(scope="module")
def lab(torch: Any, digits_network: Any) -> SimpleNamespace:
    """The modules under test, the digits network, and 200 samples that it has not seen."""
    from torch import nn

    from tantala import cim
    from tantala.cim import study
    from tantala.cim.matrix import EFFECTS

    network = digits_network.build()
    images, labels = digits_network.held_out(200)

    def chip(seed: int) -> Any:
        model = cim.convert(network, seed=seed)
        model.calibrate(images[:64])
        return model

    return SimpleNamespace(
        cim=cim, study=study, nn=nn, torch=torch, effects=EFFECTS, network=network,
        images=images, labels=labels, chip=chip,
    )  # fmt: skip


def test_an_interval_is_students(lab: SimpleNamespace) -> None:
    values = (0.91, 0.88, 0.93, 0.90)
    found = lab.study.Estimate(values)
    expected = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)
    alone = lab.study.Estimate((0.9,))
    assert (alone.mean, alone.low, alone.high) == (0.9, None, None)


def test_intervals_hold_the_mean_as_often_as_they_say(lab: SimpleNamespace) -> None:
    draws = np.random.default_rng(0).normal(0.9, 0.02, (2000, 5))
    found = [lab.study.Estimate(tuple(row)) for row in draws]
    held = np.mean([one.low <= 0.9 <= one.high for one in found])
    assert held == pytest.approx(0.95, abs=0.015)


def test_the_accuracy_is_the_share_of_right_answers_of_each_chip(lab: SimpleNamespace) -> None:
    found = lab.cim.accuracy(lab.chip, lab.images, lab.labels, seeds=[3, 1])
    for seed, value in zip((3, 1), found.fresh.values, strict=True):
        answers = lab.chip(seed)(lab.images).argmax(1)
        assert value == float((answers == lab.labels).double().mean())
    assert found.seeds == (3, 1)
    assert found.low < found.mean < found.high


def test_every_age_begins_freshly_written(lab: SimpleNamespace) -> None:
    """Two equal ages give the same; an age after another is not their sum."""
    ages = [("10 years", "85 degC"), ("1 month", "25 degC"), ("10 years", "85 degC"), (0.0, 300.0)]
    found = lab.cim.accuracy(lab.chip, lab.images, lab.labels, 3, ages)
    values = [age.estimate.values for age in found.aged]
    assert values[0] == values[2]
    assert values[3] == found.fresh.values
    alone = lab.cim.accuracy(lab.chip, lab.images, lab.labels, 3, ages[1:2])
    assert values[1] == alone.aged[0].estimate.values
    assert found.aged[0].estimate.mean < found.mean
    table = found.table()
    assert table.columns[:2] == ["time_s", "temperature_K"]
    assert table["temperature_K"].to_list() == [None, 358.15, 298.15, 358.15, 300.0]
    assert table["accuracy"].to_list()[0] == found.mean


def test_a_study_leaves_the_model_as_it_was(lab: SimpleNamespace) -> None:
    """Effects of each layer and the noise of the next reads; also after a failure."""
    model, twin = lab.chip(0), lab.chip(0)
    for one in (model, twin):
        one.layers["2"].matrix.effects -= {"wires"}
        one.layers["2"].matrix.refresh()
    model.ablate(lab.images, lab.cim.correct(lab.labels))
    model.layer_errors(lab.images)

    def failing(outputs: Any) -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.ablate(lab.images, failing)
    assert "wires" in model.layers["0"].matrix.effects
    assert "wires" not in model.layers["2"].matrix.effects
    assert lab.torch.equal(model(lab.images), twin(lab.images))


def test_an_ablation_is_the_metric_with_those_effects(lab: SimpleNamespace) -> None:
    model = lab.chip(0)
    model.elapse("1 month", "85 degC")

    def size(outputs: Any) -> float:
        return float(outputs.double().square().mean().sqrt())

    found = model.ablate(lab.images, size)
    by = {share.effect: share for share in found.effects}
    assert tuple(by) == tuple(lab.effects)
    for effect in ("programming", "read_noise", "wires"):
        other = lab.chip(0)
        other.elapse("1 month", "85 degC")
        other.effects = set(lab.effects) - {effect}
        assert by[effect].without.mean == size(other(lab.images)), effect
    other = lab.chip(0)
    other.elapse("1 month", "85 degC")
    other.effects = {"ageing", "programming"}
    assert by["ageing"].alone.mean == size(other(lab.images))
    assert by["ageing"].needs == "programming"
    table = found.table()
    assert table["effect"].to_list() == ["all", "none", *lab.effects]
    assert table["without"].to_list()[0] == found.every.mean


def test_an_ablation_finds_the_one_thing_that_is_wrong(lab: SimpleNamespace) -> None:
    """Control: the accuracy that ageing takes comes back when, and only when, it is off."""
    chips = []
    for seed in range(3):
        chips.append(lab.chip(seed))
        chips[-1].elapse("10 years", "85 degC")
    found = lab.cim.ablate(chips, lab.images, lab.cim.correct(lab.labels))
    gained = {share.effect: share.without.mean - found.every.mean for share in found.effects}
    fresh = lab.cim.accuracy(lab.chip, lab.images, lab.labels, 3)
    assert gained["ageing"] == pytest.approx(fresh.mean - found.every.mean, abs=0.03)
    assert gained["ageing"] > 0.1
    small = set(gained) - {"ageing", "programming"}
    assert max(abs(gained[effect]) for effect in small) < gained["ageing"] / 2


def test_without_effects_a_fine_tile_equals_torch(lab: SimpleNamespace) -> None:
    model = lab.cim.convert(lab.network, tile=load_tile("cim_256x256_28nm", **IDEAL))
    model.effects = ()
    found = model.layer_errors(lab.images)
    for layer in found.layers:
        assert layer.relative.mean < 1e-3, layer
    assert found.table()["layer"].to_list() == ["0", "2"]


def test_a_layers_error_is_its_own(lab: SimpleNamespace) -> None:
    """Against the sum by hand; and a spoiled first layer does not spoil the second one's figure."""
    model = lab.chip(0)
    found = {layer.layer: layer for layer in model.layer_errors(lab.images).layers}
    exact = lab.network[0](lab.images).detach()
    twin = lab.chip(0)
    off = twin.layers["0"](lab.images) - exact
    relative = float(off.double().square().sum().sqrt() / exact.double().square().sum().sqrt())
    assert found["0"].relative.mean == pytest.approx(relative, rel=1e-5)
    assert (found["0"].rows, found["0"].outputs) == (64, 32)
    matrix = twin.layers["0"].matrix
    matrix.columns[:] = matrix.columns.roll(1, dims=-1)
    spoiled = {layer.layer: layer for layer in twin.layer_errors(lab.images).layers}
    assert spoiled["0"].relative.mean > 3.0 * found["0"].relative.mean
    assert spoiled["2"].relative.mean < 2.0 * found["2"].relative.mean


def test_a_layer_that_is_not_used_has_no_error(lab: SimpleNamespace) -> None:
    class Half(lab.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = lab.nn.Linear(64, 10), lab.nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    found = lab.cim.layer_errors(lab.cim.convert(Half()), lab.images)
    assert found.layers[1].relative is None
    assert found.table()["relative_error"].to_list()[1] is None
    assert math.isfinite(found.layers[0].relative.mean)


def refused(call: Any, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert len(caught.value.problems) == 1
    for word in words:
        assert word in str(caught.value)


def test_what_is_refused(lab: SimpleNamespace) -> None:
    images, labels = lab.images, lab.labels
    holed = images.clone()
    holed[3, 5] = math.nan

    def run(data: Any, targets: Any, seeds: Any = 1, ages: Any = ()) -> Any:
        return lambda: lab.cim.accuracy(lab.chip, data, targets, seeds, ages)

    refused(run(holed, labels), "NaN", "1 such values")
    refused(run(images[:0], labels[:0]), "no samples")
    refused(run(images, labels[:7]), "do not match", "(200, 10)", "(7,)")
    refused(run(images, labels + 5), "outside the classes", "0 to 9", "5 to 14")
    refused(run(images, labels - 1), "outside the classes")
    refused(run(images, labels + 0.5), "no class numbers")
    refused(run(images, labels, 0), "no chip")
    refused(run(images, labels, 1, [("10 yaers", "25 degC")]), "wrong unit")
    refused(lambda: lab.cim.ablate([], images, lab.cim.correct(labels)), "no chip")
    with pytest.raises(RangeViolation):
        run(images, labels, 1, [("10 years", "200 degC")])()


def test_an_ablation_serves_the_chip_that_it_asks(lab: SimpleNamespace) -> None:
    """With an offset mapping the wires shift every signal: ranges fitted to them fit none else."""
    tile = load_tile("cim_256x256_28nm", mapping="offset")
    model = lab.cim.convert(lab.network, tile, seed=1)

    def service(chip: Any) -> None:
        chip.calibrate(lab.images[:64])

    service(model)
    twin = copy.deepcopy(model)
    right = lab.cim.correct(lab.labels)
    badly, well = (
        {share.effect: share.without.mean for share in model.ablate(lab.images, right, s).effects}
        for s in (None, service)
    )
    assert well["wires"] > badly["wires"] + 0.3
    assert lab.torch.equal(model(lab.images), twin(lab.images))
