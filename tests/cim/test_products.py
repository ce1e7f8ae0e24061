"""Products on tiles against plain references: ideal limit, slices, converters, noise, wires."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tile_examples import IDEAL, analog, ideal_tile, relative, scalar_conversion

from tantala import cim
from tantala.array import Array
from tantala.base.random import purpose, seed_words
from tantala.cim.column_kernels import columns_to_outputs_torch


@given(
    channels=st.sampled_from([(3, 8), (4, 6), (30, 5)]),
    kernel=st.sampled_from([1, 2, 3, (3, 1)]),
    stride=st.integers(1, 3),
    padding=st.sampled_from([0, 1, "same", (1, 0)]),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    mapping=st.sampled_from(["differential", "offset"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25, deadline=None)
def test_an_ideal_convolution_is_torchs(
    channels, kernel, stride, padding, dilation, bias, mapping, seed
):
    if padding == "same":
        stride = 1
    torch.manual_seed(seed)
    conv = torch.nn.Conv2d(*channels, kernel, stride, padding, dilation, bias=bias)
    x = torch.randn(3, channels[0], 9, 11)
    model = analog(conv, ideal_tile(mapping=mapping), IDEAL)
    assert relative(model(x), conv(x)) < 1e-5


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular"])
def test_groups_and_padding_modes(groups, mode):
    torch.manual_seed(1)
    conv = torch.nn.Conv1d(6, 12, 3, padding=1, groups=groups, padding_mode=mode)
    x = torch.randn(2, 6, 15)
    assert relative(analog(conv, ideal_tile(), IDEAL)(x), conv(x)) < 1e-5


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (300, 40), (700, 5)])
@pytest.mark.parametrize("lead", [(4,), (2, 5), (2, 3, 2)])
def test_an_ideal_linear_layer_is_torchs(shape, lead):
    torch.manual_seed(2)
    linear = torch.nn.Linear(*shape)
    x = torch.randn(*lead, shape[0])
    assert relative(analog(linear, ideal_tile(), IDEAL)(x), linear(x)) < 1e-5


def test_many_bits_with_every_converter_on_are_torchs():
    torch.manual_seed(2)
    linear = torch.nn.Linear(90, 11)
    x = torch.randn(20, 90)
    model = cim.convert(linear, ideal_tile(adc_range="full"))
    model.effects = ["adc_quantisation", "input_quantisation"]
    assert relative(model(x), linear(x)) < 1e-5


@pytest.mark.parametrize("bits_per_phase", [1, 2, 5, 12])
def test_phases_add_up(bits_per_phase):
    torch.manual_seed(3)
    linear = torch.nn.Linear(50, 9)
    x = torch.randn(6, 50)
    tile = ideal_tile(input_bits=12, bits_per_phase=bits_per_phase)
    assert relative(analog(linear, tile, ["input_quantisation"])(x), linear(x)) < 2e-3


def test_an_ideal_limit_catches_a_shuffled_weight():
    torch.manual_seed(4)
    linear = torch.nn.Linear(40, 8)
    x = torch.randn(6, 40)
    model = analog(linear, ideal_tile(), IDEAL)
    matrix = next(iter(model.layers.values())).matrix
    columns = matrix.columns.view(1, 1, 40, matrix.tile.slices, 8)
    columns[..., [0, 1]] = columns[..., [1, 0]]
    assert relative(model(x), linear(x)) > 1e-2


def test_a_conversion_is_the_scalar_one():
    torch.manual_seed(5)
    linear = torch.nn.Linear(60, 7)
    x = torch.rand(5, 60)
    model = analog(linear, "cim_256x256_28nm", ["adc_quantisation", "input_quantisation"])
    layer = next(iter(model.layers.values()))
    expected = scalar_conversion(layer, x)
    assert relative(model(x), expected) < 1e-6


def test_the_scalar_conversion_catches_a_converter_one_bit_short():
    torch.manual_seed(5)
    linear = torch.nn.Linear(60, 7)
    x = torch.rand(5, 60)
    effects = ["adc_quantisation", "input_quantisation"]
    good = analog(linear, "cim_256x256_28nm", effects)
    short = analog(linear, cim.load_tile("cim_256x256_28nm", adc_bits=7), effects)
    expected = scalar_conversion(next(iter(good.layers.values())), x)
    assert relative(short(x), expected) > 1e-3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_offset_mapping_converts_inputs_of_either_sign(sign):
    torch.manual_seed(5)
    linear = torch.nn.Linear(60, 7)
    x = sign * torch.rand(50, 60)
    tile = cim.load_tile("cim_256x256_28nm", mapping="offset", adc_bits=14)
    model = analog(linear, tile, ["adc_quantisation", "input_quantisation"])
    assert relative(model(x), linear(x)) < 0.02
    model.calibrate(x)
    assert relative(model(x), linear(x)) < 0.02


def test_columns_side_by_side_share_a_converter():
    """Eight columns are the four pairs of one weight, so an output has one gain in all slices."""
    model = cim.convert(torch.nn.Linear(300, 70))
    gain = next(iter(model.layers.values())).matrix.converters.gain.view(2, 4, 70)
    assert (gain == gain[:, :1]).all()
    assert len(gain[:, 0].unique()) == 2 * 70


def test_whole_pairs_on_one_column_share_a_converter():
    """Eight columns are two weights of four digits, so neighbours have one gain."""
    tile = cim.load_tile("cim_256x256_28nm", pairs="one_column")
    model = cim.convert(torch.nn.Linear(300, 70), tile)
    gain = next(iter(model.layers.values())).matrix.converters.gain.view(2, 4, 70)
    assert (gain == gain[:, :1]).all()
    assert (gain[:, 0, 0:64:2] == gain[:, 0, 1:64:2]).all()
    # 64 outputs a tile: 32 converters, and three more for the six outputs of the second.
    assert len(gain[:, 0].unique()) == 2 * (32 + 3)


@pytest.mark.parametrize("inputs", ["row_voltage", "word_line"])
def test_inputs_above_the_range_are_held_in_every_phase(inputs):
    torch.manual_seed(5)
    linear = torch.nn.Linear(60, 7)
    x = torch.randn(20, 60)
    tile = ideal_tile(input_bits=8, bits_per_phase=1, inputs=inputs)
    model = analog(linear, tile, IDEAL)
    model.calibrate(x)
    largest = x.abs().max()
    held = (1.3 * x).clamp(-largest, largest)
    assert relative(model(1.3 * x), linear(held)) < 0.02


def test_a_word_line_of_one_bit_is_on_or_off():
    torch.manual_seed(5)
    linear = torch.nn.Linear(24, 3)
    tile = ideal_tile(input_bits=1, bits_per_phase=1, inputs="word_line")
    x = torch.rand(9, 24)
    model = analog(linear, tile, ["wires"])
    model.calibrate(x)
    on = (x / x.max()).round() * x.max()
    wireless = analog(linear, tile, IDEAL)
    wireless.calibrate(x)
    assert relative(wireless(x), linear(on)) < 1e-5
    assert relative(model(x), linear(on)) < 0.1


def test_wires_are_those_of_the_array():
    torch.manual_seed(6)
    linear = torch.nn.Linear(20, 3, bias=False)
    x = torch.randn(4, 20)
    effects = ["programming", "failed_cells", "wires"]
    model = analog(linear, "cim_256x256_28nm", effects)
    layer = next(iter(model.layers.values()))
    matrix, tile = layer.matrix, layer.tile
    g = matrix.cells[0].conductance()[0].astype(np.float64)  # polarity, slice, row, output
    cells = g.transpose(2, 3, 1, 0).reshape(20, -1)
    wires = tile.wires
    array = Array(
        cells,
        row_wire=wires.row_segment,
        column_wire=wires.column_segment,
        row_driver=wires.driver,
        column_sense=wires.sense,
    )
    largest = x.abs().amax(1, keepdim=True)
    currents = array.compile().solve((x / largest).double().numpy().T).currents.T
    pairs = currents.reshape(4, 3, tile.slices, 2)
    digits = (pairs[..., 0] - pairs[..., 1]) / tile.step
    whole = digits @ (float(tile.radix) ** np.arange(tile.slices))
    expected = torch.from_numpy(whole) * matrix.scale * largest
    assert relative(model(x), expected.float()) < 1e-5
    without = analog(linear, "cim_256x256_28nm", ["programming", "failed_cells"])
    assert relative(without(x), expected.float()) > 1e-3


def test_read_noise_has_the_moments_of_its_cells():
    torch.manual_seed(7)
    linear = torch.nn.Linear(30, 4, bias=False)
    model = analog(linear, "cim_256x256_28nm", ["programming", "read_noise"])
    layer = next(iter(model.layers.values()))
    x = torch.rand(1, 30)
    reads = model(x.expand(100_000, 30))
    model.effects = ["programming"]
    mean = model(x)
    digit = x[0] / x.max()
    variance = layer.matrix.variance[0, 0].view(30, layer.tile.slices, 4)
    power = float(layer.tile.radix) ** torch.arange(layer.tile.slices)
    sigma = torch.einsum("r,rso,s->o", digit**2, variance, power**2).sqrt()
    sigma = sigma * layer.matrix.scale[0] * x.max()
    assert torch.allclose(reads.std(0), sigma, rtol=0.01)
    assert ((reads.mean(0) - mean[0]).abs() < 5 * sigma / 100_000**0.5).all()


@pytest.mark.parametrize("network", ["linear", "conv"])
def test_noise_does_not_depend_on_the_split_of_a_batch(network):
    torch.manual_seed(8)
    layer: torch.nn.Module = torch.nn.Linear(30, 6)
    x = torch.rand(12, 30)
    if network == "conv":
        layer, x = torch.nn.Conv2d(3, 5, 3), torch.rand(12, 3, 8, 8)
    whole = cim.convert(layer, seed=3)(x)
    split = cim.convert(layer, seed=3)
    parts = torch.cat([split(x[:5]), split(x[5:6]), split(x[6:])])
    assert torch.equal(whole, parts)
    assert not torch.equal(whole, cim.convert(layer, seed=4)(x))


def test_both_forms_of_the_conversion_draw_the_same_noise():
    torch.manual_seed(9)
    conv = torch.nn.Conv2d(40, 6, 3, padding=1)
    matrix = next(iter(cim.convert(conv).layers.values())).matrix
    converters = matrix.converters
    rows = matrix.placement.parts
    signal = torch.randn(1, 4 * 10, rows, matrix.tile.slices, 6) * 300
    variance = torch.rand_like(signal) * 100
    compiled = converters.convert(signal, variance, 10, 0, 7)
    rate, offset, weight, noise, bow = converters.law(0)
    address = (7, purpose(f"cim.read.{converters.name}"), 0)
    reference = columns_to_outputs_torch(
        signal, variance, noise, rate, offset, weight, bow, converters.codes, 10, address,
        seed_words(converters.seed), 1,
    )  # fmt: skip
    apart = (compiled - reference).abs()
    rounding = 1e-6 * float(compiled.abs().max())
    assert (apart > rounding).float().mean() < 1e-2  # a signal on the edge of two codes
    assert float(apart.max()) <= 1.01 * float(weight.max())


def test_a_tile_has_one_gain_and_tiles_differ():
    """Two row tiles by two column tiles: outputs of a column tile share the gain of each part."""
    torch.manual_seed(12)
    linear = torch.nn.Linear(400, 50, bias=False)
    model = analog(linear, ideal_tile(weight_bits=8), ["tile_variation"])
    layer = next(iter(model.layers.values()))
    converters, place = layer.matrix.converters, layer.matrix.placement
    gain = converters.tile_gain.view(place.parts, layer.tile.slices, 50)
    width = layer.tile.outputs
    tiles = {float(gain[p, 0, s]) for p in range(place.parts) for s in range(0, 50, width)}
    assert len(tiles) == place.parts * place.column_tiles(layer.tile) == 4
    assert all((gain[:, :, s : s + width] == gain[:, :1, s : s + 1]).all() for s in (0, width))
    x = torch.zeros(1, 400)
    x[0, 3] = 1.0  # drives the first part alone
    answer = model(x)
    model.effects = []
    assert torch.allclose(answer, model(x) * gain[0, 0], rtol=1e-5)


def test_tile_gains_have_the_spread_of_the_file():
    model = cim.convert(torch.nn.Conv2d(600, 300, 1, groups=300))
    converters = next(iter(model.layers.values())).matrix.converters
    of_tiles = converters.tile_gain[:, 0, 0]
    assert len(of_tiles.unique()) == 300
    assert float(of_tiles.std()) == pytest.approx(converters.tile.read.voltage_sigma, rel=0.15)
