"""Cost of models on tiles: sums, closed forms, and what must change a figure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tantala import cim
from tantala.base.errors import InputError
from tantala.cim.tile_cost import PARTS, Operands, TileModel, full_tile
from tantala.circuit.converter import (
    BOLTZMANN,
    converter,
    sampling_capacitance,
    sar_converter,
)
from tantala.circuit.converter_constants import load_converters
from tantala.technology import load_technology


def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 6, 3, stride=2, groups=2),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(54, 5),
    )


@pytest.fixture(scope="module")
def images():
    return torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def model():
    return cim.convert(network())


def test_parts_sum_to_layers_and_layers_to_the_model(model, images):
    cost = model.cost(images)
    table = cost.table()
    assert table["layer"].to_list() == ["0", "2", "5"]
    assert sum(cost.breakdown.values()) == pytest.approx(cost.energy_J, rel=1e-12)
    assert sum(cost.area_breakdown.values()) == pytest.approx(cost.area_m2, rel=1e-12)
    assert table["energy_J"].sum() == pytest.approx(cost.energy_J, rel=1e-12)
    assert table["latency_s"].sum() == pytest.approx(cost.latency_s, rel=1e-12)
    parts = [f"{part}_J" for part in (*PARTS, "leakage", "digital")]
    assert table.select(parts).sum_horizontal().sum() == pytest.approx(cost.energy_J, rel=1e-12)
    # A ledger that leaves a part out does not close: the control.
    assert sum(v for k, v in cost.breakdown.items() if k != "adc") < 0.99 * cost.energy_J


def test_operations_are_those_of_the_network(model, images):
    cost = model.cost(images)
    macs = 64 * 4 * 27 + 9 * 6 * 18 + 54 * 5
    assert cost.operations == pytest.approx(2 * macs)
    assert cost.tops_per_watt == pytest.approx(2e-12 * macs / cost.energy_J)
    assert cost.tops_per_watt_1b == pytest.approx(64 * cost.tops_per_watt)
    assert cost.tiles == 1 + 2 + 1
    used = (4 * 27 + 6 * 18 + 54 * 5) * model.tile.cells_per_weight
    assert cost.utilisation == pytest.approx(used / (4 * 256 * 256))


def test_energy_of_the_cells_is_the_sum_over_rows(images):
    layer = torch.nn.Linear(300, 7)
    model = cim.convert(layer)
    x = torch.randn(5, 300, generator=torch.Generator().manual_seed(2))
    model.calibrate(x)
    found = _cells(model, model.cost(x))
    analog = next(iter(model.layers.values()))
    digit = analog.whole_inputs(x)[0].numpy().astype(float) / 127.0
    g = analog.matrix.cells[0].conductance().astype(float)
    rows = np.array([g[p, :, :, r].sum() for p in range(2) for r in range(150)])
    read = model.tile.read
    exact = read.voltage**2 * read.integration * np.einsum("nr,r->", digit**2, rows) / len(x)
    assert found == pytest.approx(exact, rel=1e-6)


def test_energy_of_the_cells_of_a_convolution_is_that_of_its_windows():
    torch.manual_seed(4)
    model = cim.convert(torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2))
    x = torch.rand(2, 4, 7, 7)
    model.calibrate(x)
    layer = next(iter(model.layers.values()))
    whole = layer.whole_inputs(x)[0] / 255.0
    windows = torch.nn.functional.unfold(whole, 3, padding=1, stride=2).numpy()  # (2, 36, places)
    rows = np.concatenate([c.conductance().sum(axis=(0, 1, 2, 4)) for c in layer.matrix.cells])
    read = model.tile.read
    exact = read.voltage**2 * read.integration * np.einsum("nrp,r->", windows**2, rows) / 2
    assert _cells(model, model.cost(x)) == pytest.approx(exact, rel=1e-5)


def _cells(model, cost) -> float:
    """Energy of the array without the clamps of its columns."""
    (layer,) = model.layers.values()
    work_tile = TileModel.of(layer.tile)
    place, matrix = layer.matrix.placement, layer.matrix
    (row,) = cost.table().to_dicts()
    vectors = row["macs"] / (matrix.groups * matrix.rows * matrix.outputs)
    columns = matrix.groups * place.parts * matrix.outputs * layer.tile.cells_per_weight
    clamp = (
        work_tile.constants.column.clamp * work_tile.process.supply * layer.tile.read.integration
    )
    return row["array_J"] - vectors * columns * clamp


def test_silent_inputs_take_no_cell_energy(model, images):
    quiet = model.cost(torch.zeros_like(images))
    loud = model.cost(images)
    assert quiet.breakdown["array"] < loud.breakdown["array"]
    assert quiet.breakdown["adc"] == loud.breakdown["adc"]
    assert quiet.table()["zero_inputs"][0] == 1.0


def test_cost_depends_on_no_batch_split_and_changes_no_answer(model, images):
    whole = model.cost(images)
    split = model.cost([images[:1], images[1:]])
    # Ranges are taken from each sample, so a split changes nothing.
    assert split.energy_J == pytest.approx(whole.energy_J, rel=1e-9)
    for layer in model.layers.values():
        layer.matrix.images = 0
    before = model(images)
    for layer in model.layers.values():
        layer.matrix.images = 0
    model.cost(images)
    assert torch.equal(model(images), before)


def test_a_digital_layer_has_its_own_ledger(images):
    mixed = cim.convert(network(), digital="5").cost(images, tiles_per_chip=2)
    row = mixed.table().to_dicts()[-1]
    assert (row["layer"], row["where"], row["macs"]) == ("5", "digital", 270.0)
    assert row["digital_J"] == row["energy_J"] == mixed.breakdown["digital"] > 0.0
    assert mixed.chips == 2


def test_without_inputs_the_result_says_what_is_assumed(model):
    with pytest.raises(InputError, match="not known without inputs"):
        model.cost()
    cost = model.cost(shape=(3, 8, 8))
    assert "spread evenly" in cost.assumptions[0]
    assert cost.table()["mean_square_input"][0] == pytest.approx(511 / (6 * 255))
    assert "spread evenly" in cim.convert(torch.nn.Linear(8, 3)).cost().assumptions[0]
    with pytest.raises(InputError, match="no sample inputs"):
        model.cost([])
    with pytest.raises(InputError, match="tiles of a chip"):
        model.cost(shape=(3, 8, 8), tiles_per_chip=0)


def test_an_embedding_drives_one_row_a_token():
    model = cim.convert(torch.nn.Embedding(600, 5))
    cost = model.cost(torch.arange(12).reshape(2, 6))
    assert cost.operations == 2 * 6 * 5


def test_even_operands_are_the_means_of_whole_digits():
    digits = np.arange(16) / 15
    even = Operands.even(4)
    assert (even.mean, even.zeros) == (digits.mean(), 1 / 16)
    assert even.mean_square == pytest.approx(np.square(digits).mean())


def test_sampling_noise_stays_below_its_share():
    process, constants = load_technology("28nm").at(), load_converters()
    bits = np.arange(1, 15)
    step = constants.sar.full_scale * process.supply / 2.0**bits
    noise = BOLTZMANN * process.temperature / sampling_capacitance(process, constants, bits)
    assert (noise <= constants.sar.noise_share * step**2 / 12 * (1 + 1e-12)).all()


@pytest.mark.parametrize("kind", ["sar", "ramp"])
def test_a_converter_costs_more_with_every_bit(kind):
    process, constants = load_technology("28nm").at(), load_converters()
    found = converter(process, constants, np.arange(1, 13), kind)
    for figure in (found.area, found.delay, found.energy, found.leakage):
        assert (np.diff(figure) > 0).all()


def test_converters_broadcast_as_single_evaluations():
    process, constants = load_technology("22nm").at(), load_converters()
    many = sar_converter(process, constants, np.array([5, 9]))
    assert float(many.energy[1]) == float(sar_converter(process, constants, 9).energy)


def test_a_converter_one_bit_short_is_cheaper():
    tile = cim.load_tile("cim_256x256_28nm")
    energies = [
        TileModel.of(tile.varied(adc_bits=bits)).energy(
            full_tile(tile, 256, Operands.even(8), 20e-6)
        )["adc"]
        for bits in (7, 8)
    ]
    assert energies[0] < 0.8 * energies[1]


def test_more_shared_columns_take_longer_and_less_area():
    tile = cim.load_tile("cim_256x256_28nm")
    few, many = (TileModel.of(tile.varied(columns_per_adc=n)) for n in (8, 32))
    assert many.pass_time() > few.pass_time()
    assert many.area()["adc"] < few.area()["adc"]


def test_pairs_on_one_column_need_half_the_clamps_and_twice_the_row_lines():
    plain = cim.load_tile("cim_256x256_28nm")
    paired = plain.varied(pairs="one_column", columns=128)
    work = full_tile(plain, 256, Operands.even(8), 20e-6)
    assert paired.outputs == plain.outputs
    assert paired.cells == plain.cells
    before, after = (TileModel.of(tile).energy(work) for tile in (plain, paired))
    cells = plain.read.voltage**2 * work.conductance * plain.read.integration
    cells *= work.operands.mean_square
    assert after["array"] - cells == pytest.approx(0.5 * (before["array"] - cells))
    assert after["adc"] == before["adc"]
    # As many digits share a converter as before, so a pass takes as many turns with half the
    # columns of each converter.
    half = TileModel.of(paired.varied(columns_per_adc=plain.columns_per_adc // 2))
    assert half.pass_time() == TileModel.of(plain).pass_time()
    assert TileModel.of(paired).pass_time() > half.pass_time()
    area = [TileModel.of(tile)._blocks()["driver"].area for tile in (plain, paired)]
    assert area[1] == pytest.approx(2.0 * area[0], rel=0.01)


def test_word_lines_are_charged_to_the_supply_and_rows_to_the_read_voltage():
    row = cim.load_tile("cim_256x256_28nm", bits_per_phase=1)
    models = [TileModel.of(tile) for tile in (row, row.varied(inputs="word_line"))]
    operands = Operands(1.0, 1.0, 0.0, switched=True)
    rows, gates = (float(model.driver(operands).energy) for model in models)
    register = 0.5 * 6.0 * models[0].process.gate_energy
    ratio = (models[0].process.supply / row.read.voltage) ** 2
    assert gates - register == pytest.approx((rows - register) * ratio)


def test_signed_inputs_on_word_lines_take_two_reads():
    torch.manual_seed(1)
    linear = torch.nn.Linear(300, 20)
    bits = {"bits_per_phase": 1, "columns_per_adc": 1}
    costs = {}
    for inputs in ("word_line", "row_voltage"):
        for sign in ("signed", "unsigned"):
            tile = cim.load_tile("cim_256x256_28nm", inputs=inputs, **bits)
            chip = cim.convert(linear, tile)
            x = torch.rand(8, 300) - (0.5 if sign == "signed" else 0.0)
            chip.calibrate(x)
            costs[inputs, sign] = chip.cost(x).layers[0]
    two, one = costs["word_line", "signed"], costs["word_line", "unsigned"]
    model = TileModel.of(cim.load_tile("cim_256x256_28nm", inputs="word_line", **bits))
    drive = model.tile.read.integration + float(model.driver(Operands.even(1)).delay)
    assert model.pass_time() == drive  # a converter a column: the integration sets the pace
    assert two.latency_s - one.latency_s == pytest.approx(model.tile.phases * drive)
    assert two.energy["adc"] == one.energy["adc"]
    rows = [costs["row_voltage", sign].latency_s for sign in ("signed", "unsigned")]
    assert rows[0] == rows[1]
