"""Which models can be converted, what they become, and every refusal."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from tile_examples import IDEAL, analog, ideal_tile, relative

from tantala import cim
from tantala.base.errors import InputError, RangeViolation
from tantala.cim.layers import AnalogLayer


class TinyResidual(torch.nn.Module):
    """What torchvision's networks are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = torch.nn.BatchNorm2d(8)
        self.depthwise = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.point = torch.nn.Conv2d(8, 8, 1)
        self.head = torch.nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        return self.head((x + self.point(self.depthwise(x))).mean((2, 3)))


def small_net() -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(12, 9), torch.nn.ReLU(), torch.nn.Linear(9, 4))


def test_a_residual_network():
    torch.manual_seed(0)
    net = TinyResidual().eval()
    x = torch.randn(4, 3, 16, 16)
    model = analog(net, ideal_tile(), IDEAL)
    assert relative(model(x), net(x)) < 1e-5
    assert list(model.layers) == ["stem", "depthwise", "point", "head"]


def test_an_encoder_layer_does_not_go_past_its_tiles():
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
    net = torch.nn.TransformerEncoder(layer, 2).eval()
    x = torch.randn(3, 5, 16)
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[1, 3:] = True
    model = analog(net, ideal_tile(), IDEAL)
    with torch.inference_mode():
        wanted, answer = (
            net(x, src_key_padding_mask=padding),
            model(x, src_key_padding_mask=padding),
        )
    assert relative(answer[~padding], wanted[~padding]) < 1e-4
    names = {name.split(".", 2)[2] for name in model.layers}
    projections = {f"self_attn.{part}" for part in ("query", "key", "value", "out_proj")}
    assert names == projections | {"linear1", "linear2"}
    for tiles in model.layers.values():
        tiles.matrix.columns.zero_()
    with torch.inference_mode():
        assert relative(model(x, src_key_padding_mask=padding)[~padding], wanted[~padding]) > 0.01


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("mask", [None, "float", "bool"])
def test_attention(batch_first, mask):
    torch.manual_seed(1)
    net = torch.nn.MultiheadAttention(12, 3, batch_first=batch_first).eval()
    x = torch.randn(4, 4, 12)
    given = None
    if mask is not None:
        given = torch.ones(4, 4).triu(1).bool()
        given = given if mask == "bool" else given.float() * -1e9
    model = analog(net, ideal_tile(), IDEAL)
    answer, weights = model(x, x, x, attn_mask=given)
    wanted, wanted_weights = net(x, x, x, attn_mask=given)
    assert relative(answer, wanted) < 1e-5
    assert relative(weights, wanted_weights) < 1e-5


@pytest.mark.parametrize("mapping", ["differential", "offset"])
def test_an_embedding(mapping):
    torch.manual_seed(1)
    net = torch.nn.Embedding(600, 7)
    index = torch.randint(0, 600, (5, 6))
    model = analog(net, ideal_tile(mapping=mapping), IDEAL)
    assert relative(model(index), net(index)) < 1e-5


def test_a_look_up_needs_no_calibration():
    torch.manual_seed(1)
    net = torch.nn.Embedding(600, 7)
    index = torch.randint(0, 600, (5, 6))
    model = analog(net, "cim_256x256_28nm", ["adc_quantisation", "input_quantisation"])
    assert relative(model(index), net(index)) < 0.02


def test_a_module_under_two_names_is_converted_once_and_everywhere():
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(6, 6)
            self.second = self.first

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(torch.relu(self.first(x)))

    torch.manual_seed(0)
    net, x = Twice(), torch.randn(3, 6)
    model = analog(net, ideal_tile(), IDEAL)
    assert list(model.layers) == ["first"]
    assert model.network.first is model.network.second
    assert isinstance(model.network.first, AnalogLayer)
    assert relative(model(x), net(x)) < 1e-5


def test_half_precision_stays_half_precision():
    net, x = small_net().half(), torch.randn(5, 12).half()
    assert analog(net, ideal_tile(), IDEAL)(x).dtype == torch.float16


def test_failed_cells_are_an_effect_of_their_own():
    torch.manual_seed(0)
    model = cim.convert(torch.nn.Linear(200, 60))
    matrix = model.layers["model"].matrix
    failed = int(matrix.cells[0].failed.sum())
    assert failed == matrix.cells[0].cost.failed > 0
    all_errors = matrix.weight_error()
    model.effects = cim.EFFECTS[:1]
    without = matrix.weight_error()
    assert without < all_errors


def test_transformers_of_hugging_face():
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}
    tokens = {"bos_token_id": 0, "eos_token_id": 0}
    gpt = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **tokens)).eval()
    ids = torch.randint(0, 50, (2, 7))
    model = analog(gpt, ideal_tile(), IDEAL)
    assert relative(model(ids).logits, gpt(ids).logits) < 1e-4
    assert {"transformer.wte", "transformer.h.0.attn.c_attn", "lm_head"} <= set(model.layers)


def test_layers_stay_digital_and_take_settings_by_name():
    net = small_net()
    model = cim.convert(net, digital="2", layers={"0": {"adc_bits": 5}})
    assert list(model.layers) == ["0"]
    assert model.layers["0"].tile.adc_bits == 5
    assert isinstance(model.network[2], torch.nn.Linear)
    assert list(cim.convert(net, digital=lambda name, module: module.in_features > 9).layers) == [
        "2"
    ]


def test_the_users_model_is_left_alone():
    net = small_net()
    before = copy.deepcopy(net.state_dict())
    cim.convert(net).elapse("1 h", "85 degC")
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert not any(isinstance(module, AnalogLayer) for module in net.modules())


def test_a_checkpoint_holds_the_cells():
    x = torch.randn(5, 12)
    model = cim.convert(small_net(), seed=1)
    model.calibrate(x)
    model.elapse("1 day", "85 degC")
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    expected = model(x)
    model.elapse("1 day", "85 degC")
    later = model(x)
    other = cim.convert(small_net(), seed=1)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), expected)
    other.elapse("1 day", "85 degC")
    assert torch.equal(other(x), later)


def test_a_checkpoint_of_other_cells_is_refused():
    wide = torch.nn.Linear(12, 4)
    state = cim.convert(wide).state_dict()
    with pytest.raises((InputError, RuntimeError), match=r"cells|size mismatch"):
        cim.convert(torch.nn.Linear(13, 4)).load_state_dict(state)


def test_spare_columns_lessen_the_error_of_weights():
    torch.manual_seed(0)
    net = torch.nn.Linear(200, 90)
    plain = cim.convert(net).layers["model"].matrix.weight_error()
    tile = cim.load_tile("cim_256x256_28nm", spare_outputs=4)
    assert cim.convert(net, tile).layers["model"].matrix.weight_error() < plain


def test_fewest_bits_follow_the_tolerance():
    x = torch.rand(64, 12)
    bits = []
    for tolerance in (0.2, 0.05, 0.01):
        model = cim.convert(small_net())
        model.calibrate(x)
        chosen = model.choose_adc_bits(x, tolerance)
        assert {name: layer.tile.adc_bits for name, layer in model.layers.items()} == chosen
        bits.append(chosen["0"])
    assert bits[0] < bits[1] < bits[2] <= 8


def nan_net() -> torch.nn.Module:
    net = small_net()
    with torch.no_grad():
        net[0].weight[0, 0] = float("nan")
    return net


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cim.convert(3), "not a torch model"),
        (lambda: cim.convert(torch.nn.ReLU()), "nothing to convert"),
        (lambda: cim.convert(small_net(), digital="*"), "every layer is kept digital"),
        (lambda: cim.convert(cim.convert(small_net())), "on tiles already"),
        (lambda: cim.convert(torch.nn.Linear(3, 3, device="meta")), "not there yet"),
        (lambda: cim.convert(small_net())(np.ones((2, 12))), "a torch.Tensor"),
        (lambda: cim.convert(small_net())(torch.ones(2, 11)), r"\(\.\.\., 12\)"),
        (lambda: cim.convert(torch.nn.Conv1d(2, 2, 3))(torch.ones(2, 3, 5)), r"2, length"),
        (lambda: cim.convert(torch.nn.Conv2d(2, 2, 3))(torch.ones(5, 5)), r"2, height, width"),
        (lambda: cim.convert(torch.nn.Conv1d(2, 2, 3))(torch.ones(2, 2)), "window"),
        (lambda: cim.convert(small_net()).half()(torch.ones(2, 12).half()), "chip.float"),
        (lambda: cim.convert(torch.nn.Embedding(9, 2))(torch.tensor([9])), "0 to 8"),
        (lambda: cim.convert(torch.nn.Embedding(9, 2))(torch.tensor([0.0])), "whole numbers"),
        (lambda: cim.convert(small_net()).ablate(torch.ones(2, 12), lambda y: "good"), "no number"),
        (lambda: cim.convert(small_net()).elapse("1 month", temperature=55), "'55 degC'"),
        (lambda: cim.convert(small_net(), "cim_256x256_28"), "cim_256x256_28nm"),
        (lambda: cim.convert(small_net(), digital="3"), "unknown layer"),
        (lambda: cim.convert(small_net(), layers={"1": {}}), "unknown layer"),
        (lambda: cim.convert(small_net(), layers={"0": {"adc_bit": 3}}), "adc_bits"),
        (lambda: cim.convert(small_net(), layers={"0": {"adc_bits": 99}}), "1-24"),
        (lambda: cim.convert(torch.nn.LSTM(3, 3)), "LSTM has no form on tiles"),
        (lambda: cim.convert(torch.nn.Conv3d(1, 1, 2)), "Conv3d has no form on tiles"),
        (lambda: cim.convert(torch.nn.Conv2d(1, 1, 17)), "289 rows"),
        (lambda: cim.convert(nan_net()), "no numbers"),
        (lambda: cim.convert(small_net(), seed=-1), "bad seed"),
        (lambda: cim.convert(small_net()).calibrate([]), "no sample inputs"),
        (lambda: cim.convert(small_net()).calibrate(torch.full((2, 12), torch.nan)), "NaN"),
        (lambda: cim.convert(small_net()).calibrate(torch.ones(2, 12), headroom=0.5), "clip"),
        (lambda: cim.convert(small_net())(torch.full((2, 12), torch.inf)), "no number"),
        (lambda: cim.convert(small_net())(torch.ones(2, 12, device="meta")), "another device"),
        (lambda: cim.convert(small_net()).recalibrate(torch.ones(2, 12), "cell"), "way to re-cal"),
        (lambda: cim.load_tile("cim_256x256_28nm", bits_per_cell=4), "overlap"),
        (lambda: cim.load_tile("cim_256x256_28nm", columns=7), "holds no weight"),
        (lambda: cim.load_tile("cim_256x256_28nm", bits_per_phase=9), "bits a phase"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_an_unknown_effect_is_refused():
    model = cim.convert(small_net())
    with pytest.raises(InputError, match="read_noise"):
        model.effects = ["read_nois"]


def test_ageing_beyond_what_was_measured_is_refused():
    model = cim.convert(small_net())
    with pytest.raises(RangeViolation):
        model.elapse("10 years", "400 degC")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 2}, "seed: .*got 1; allowed: 2"),
        ({"tile": "short"}, "adc_bits: .*got 8; allowed: 7"),
    ],
)
def test_a_checkpoint_of_another_chip_is_refused(changes, words):
    state = cim.convert(small_net(), seed=1).state_dict()
    tile = cim.load_tile("cim_256x256_28nm", adc_bits=7 if "tile" in changes else 8)
    other = cim.convert(small_net(), tile, seed=changes.get("seed", 1))
    with pytest.raises(InputError, match=words):
        other.load_state_dict(state)


def test_effects_are_names_of_those_that_are_on():
    model = cim.convert(torch.nn.Linear(5, 3))
    for wrong in ({"wires": False}, "wires"):
        with pytest.raises(InputError, match="names of those that are on"):
            model.effects = wrong


def test_a_calibrated_chip_can_be_pickled_also_after_a_calibration_that_failed():
    model = cim.convert(torch.nn.Linear(5, 3))
    x = torch.rand(7, 5)
    model.calibrate(x)
    before = [one.clone() for one in model.layers["model"].fitted()]
    with pytest.raises(InputError):
        model.calibrate([x, torch.rand(7, 6)])
    assert all(
        torch.equal(a, b) for a, b in zip(model.layers["model"].fitted(), before, strict=True)
    )
    again = pickle.loads(pickle.dumps(model))
    assert torch.equal(again(x), model(x))


class Two(torch.nn.Module):
    """A network of two inputs."""

    def __init__(self):
        super().__init__()
        self.left, self.right = torch.nn.Linear(5, 3), torch.nn.Linear(4, 3)

    def forward(self, a, b):
        return self.left(a) + self.right(b)


def test_a_network_of_two_inputs_is_calibrated_by_tuples_or_names():
    a, b = torch.rand(9, 5), torch.rand(9, 4)
    ranges = []
    for data in ([(a, b)], {"a": a, "b": b}, [{"a": a, "b": b}]):
        model = cim.convert(Two())
        model.calibrate(data)
        ranges.append([float(layer.input_range) for layer in model.layers.values()])
    assert ranges == [[float(a.max()), float(b.max())]] * 3


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda model: model.calibrate(torch.zeros(8, 5)), "all zero"),
        (lambda model: model.recalibrate(torch.zeros(8, 5)), "all zero"),
        (lambda model: model.recalibrate(torch.rand(1, 5)), "one vector tells no gain"),
        (lambda model: model.calibrate(torch.zeros(0, 5)), "none empty"),
    ],
)
def test_samples_that_tell_nothing_are_refused(act, words):
    with pytest.raises(InputError, match=words):
        act(cim.convert(torch.nn.Linear(5, 3)))
