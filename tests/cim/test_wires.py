"""Exact wires of tiles in every arrangement: against the array's own solutions."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from tile_examples import IDEAL, analog, ideal_tile, relative

from tantala import cim
from tantala.array import Array
from tantala.array.gated import GatedArray
from tantala.array.pairs import InterleavedPair
from tantala.base.errors import InputError

WIRED = ["programming", "failed_cells", "wires"]


def long_wires(tile: cim.Tile) -> cim.Tile:
    """The tile with ten times the wire resistance, so that a wrong answer shows."""
    wires = tile.wires
    return replace(
        tile,
        wires=replace(
            wires, row_segment=10 * wires.row_segment, column_segment=10 * wires.column_segment
        ),
    )


def gated_tile(**changes: Any) -> cim.Tile:
    bits = {"input_bits": 6, "bits_per_phase": 1, "adc_bits": 24, "inputs": "word_line"} | changes
    return cim.load_tile("cim_256x256_28nm", **bits)


def whole_inputs(x: torch.Tensor, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole inputs of each sample, and what one is worth: ranges a sample, signed."""
    highest = 2 ** (bits - 1) - 1
    step = x.abs().amax(1, keepdim=True) / highest
    return (x / step).round().numpy().astype(int), step.numpy()


def gated_currents(g: np.ndarray, tile: cim.Tile, rows_on: np.ndarray) -> np.ndarray:
    """Currents a volt (vectors, columns) of a ladder, solved with its residual."""
    array = GatedArray(
        g,
        tile.wires.column_segment,
        tile.wires.column_segment,
        source_top=tile.wires.driver,
        bit_bottom=tile.wires.sense,
    )
    return array.solve(rows_on.T, sources=1.0).currents.T


def solved_word_lines(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """The layer's products with every pattern of every phase solved on its own."""
    tile, matrix = layer.tile, layer.matrix
    cells = matrix.cells[0].conductance()[0].astype(np.float64)  # polarity, slice, row, output
    whole, step = whole_inputs(x, tile.input_bits)
    total = np.zeros((len(x), tile.slices, matrix.outputs))
    for phase in range(tile.input_bits - 1):
        on = (np.abs(whole) >> phase) & 1 == 1
        for sign in (1, -1):
            pattern = on & (np.sign(whole) == sign)
            for polarity, worth in enumerate((1, -1)[: tile.polarities]):
                columns = cells[polarity].transpose(1, 0, 2).reshape(x.shape[1], -1)
                current = gated_currents(columns, tile, pattern)
                if tile.mapping == "offset":
                    current = current - pattern.sum(1, keepdims=True) * tile.levels.lowest
                signal = current.reshape(len(x), tile.slices, -1) / tile.step
                total += 2**phase * sign * worth * signal
    sums = np.einsum("mso,s->mo", total, float(tile.radix) ** np.arange(tile.slices))
    sums = sums - tile.offset * whole.sum(1, keepdims=True)
    return torch.from_numpy(sums * matrix.scale.numpy() * step).float()


@pytest.mark.parametrize("mapping", ["differential", "offset"])
def test_inputs_on_word_lines_are_solved_pattern_by_pattern(mapping: str) -> None:
    torch.manual_seed(8)
    linear = torch.nn.Linear(24, 3, bias=False)
    x = torch.randn(4, 24)
    tile = long_wires(gated_tile(mapping=mapping))
    model = analog(linear, tile, [*WIRED, "input_quantisation"])
    layer = next(iter(model.layers.values()))
    expected = solved_word_lines(layer, x)
    assert relative(model(x), expected) < 1e-5
    # Control: a map that is linear in the rows, each as if it were on alone.
    layer.matrix._ladders = None
    assert relative(model(x), expected) > 1e-3


def test_an_ideal_tile_does_not_care_how_inputs_come() -> None:
    torch.manual_seed(8)
    linear = torch.nn.Linear(300, 9)
    x = torch.randn(5, 300)
    tile = ideal_tile(inputs="word_line", bits_per_phase=1)
    assert relative(analog(linear, tile, IDEAL)(x), linear(x)) < 1e-5


def test_a_convolution_on_word_lines_is_the_product_of_its_windows() -> None:
    torch.manual_seed(9)
    conv = torch.nn.Conv2d(4, 6, 3, stride=2, padding=(1, 2), groups=2, bias=False)
    x = torch.randn(2, 4, 6, 5)
    tile = long_wires(gated_tile())
    model = analog(conv, tile, [*WIRED, "input_quantisation"])
    model.calibrate(x)
    layer = next(iter(model.layers.values()))
    answer = model(x)
    whole, step = layer.whole_inputs(x)
    windows = torch.nn.functional.unfold(whole, 3, 1, (1, 2), 2).view(2, 2, 18, -1)
    digits = float(tile.radix) ** np.arange(tile.slices)
    expected = torch.zeros(2, 2, 3, windows.shape[-1])
    for group in range(2):
        g = layer.matrix.cells[group].conductance()[0].astype(np.float64)
        columns = [one.transpose(1, 0, 2).reshape(18, -1) for one in g]
        for image in range(2):
            rows = windows[image, group].T.numpy().astype(int)
            total = np.zeros((len(rows), 3))
            for phase, sign in product(range(tile.input_bits - 1), (1, -1)):
                on = ((np.abs(rows) >> phase) & 1 == 1) & (np.sign(rows) == sign)
                plus, minus = (gated_currents(one, tile, on) for one in columns)
                signal = (plus - minus).reshape(len(rows), tile.slices, 3) / tile.step
                total += sign * 2**phase * np.einsum("mso,s->mo", signal, digits)
            scale = layer.matrix.scale[group].numpy() * float(step)
            expected[image, group] = torch.from_numpy((total * scale).T)
    assert relative(answer, expected.reshape(answer.shape)) < 1e-5


def test_wires_of_every_column_tile_are_its_own() -> None:
    """40 outputs, of which 30 fit a tile beside its spares: the second tile has ten."""
    torch.manual_seed(12)
    linear = torch.nn.Linear(24, 40, bias=False)
    tile = long_wires(cim.load_tile("cim_256x256_28nm", adc_bits=24, spare_outputs=2))
    matrix = next(iter(analog(linear, tile, WIRED).layers.values())).matrix
    g = matrix.cells[0].conductance()[0].astype(np.float64)  # polarity, slice, row, output
    signals = []
    for start in (0, 30):
        cells = g[..., start : start + 30].transpose(2, 3, 1, 0)
        wires = tile.wires
        array = Array(
            cells.reshape(24, -1),
            row_wire=wires.row_segment,
            column_wire=wires.column_segment,
            row_driver=wires.driver,
            column_sense=wires.sense,
        )
        felt = array.compile().effective_conductance().reshape(cells.shape)
        signals.append((felt[..., 0] - felt[..., 1]).transpose(0, 2, 1) / tile.step)
    expected = np.concatenate(signals, axis=2).reshape(24, -1)
    np.testing.assert_allclose(matrix.columns[0, 0].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_look_up_on_word_lines_is_one_row_alone() -> None:
    torch.manual_seed(10)
    table = torch.nn.Embedding(12, 5)
    tile = long_wires(gated_tile())
    model = analog(table, tile, WIRED)
    layer = next(iter(model.layers.values()))
    g = layer.matrix.cells[0].conductance()[0].astype(np.float64)
    currents = [
        gated_currents(one.transpose(1, 0, 2).reshape(12, -1), tile, np.eye(12, dtype=bool))
        for one in g
    ]
    signal = ((currents[0] - currents[1]) / tile.step).reshape(12, tile.slices, 5)
    whole = np.einsum("mso,s->mo", signal, float(tile.radix) ** np.arange(tile.slices))
    expected = torch.from_numpy(whole).float() * layer.matrix.scale[0]
    assert relative(model(torch.arange(12)), expected) < 1e-5


def test_pairs_on_one_column_are_interleaved_pairs() -> None:
    torch.manual_seed(11)
    linear = torch.nn.Linear(24, 3, bias=False)
    x = torch.randn(4, 24)
    plain = long_wires(cim.load_tile("cim_256x256_28nm", adc_bits=24, input_bits=20,
                                     bits_per_phase=20))  # fmt: skip
    tile = long_wires(plain.varied(pairs="one_column"))
    assert tile.outputs == 2 * plain.outputs
    model = analog(linear, tile, WIRED)
    layer = next(iter(model.layers.values()))
    wires, matrix = tile.wires, layer.matrix
    g = matrix.cells[0].conductance()[0].astype(np.float64)
    plus, minus = (one.transpose(1, 2, 0).reshape(24, -1) for one in g)  # output, slice
    pair = InterleavedPair.of(
        plus,
        minus,
        wires.row_segment,
        wires.column_segment,
        row_driver=wires.driver,
        column_sense=wires.sense,
    )
    digits = x.double().numpy() @ pair.effective_conductance() / tile.step
    whole = digits.reshape(4, 3, tile.slices) @ (float(tile.radix) ** np.arange(tile.slices))
    expected = torch.from_numpy(whole).float() * matrix.scale[0]
    assert relative(model(x), expected) < 1e-4
    # Control: pairs on two columns answer differently.
    assert relative(analog(linear, plain, WIRED)(x), expected) > 1e-3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": "one_column", "mapping": "offset"}, "two cells a weight"),
        ({"inputs": "word_line"}, "on or off"),
        ({"inputs": "word_line", "bits_per_phase": 1, "pairs": "one_column"}, "opposite voltage"),
        ({"pairs": "one_colum"}, "one_column"),
    ],
)
def test_arrangements_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cim.load_tile("cim_256x256_28nm", **changes)
