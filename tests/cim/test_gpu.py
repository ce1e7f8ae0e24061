"""The GPU's kernels against the reference: on a GPU, or without one in Triton's interpreter.

The interpreter runs the same kernels on the CPU, program after program; what it cannot see (races,
the GPU's own logarithm) only a GPU shows.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import pytest
import torch
from tile_examples import analog, relative
from torch import nn

from tantala import cim
from tantala.base.errors import InputError
from tantala.cim import gpu_products

ALL = frozenset(cim.EFFECTS)
QUIET = ALL - {"read_noise", "adc_errors"}
torch.manual_seed(7)

NETWORKS = {
    "linear": (nn.Linear(300, 20), torch.randn(5, 300)),
    "linear of sequences": (nn.Linear(300, 20), torch.rand(3, 4, 300)),
    "convolution": (nn.Conv2d(30, 10, 3, stride=2, padding=1), torch.rand(2, 30, 7, 8)),
    "groups, dilation, reflection": (
        nn.Conv2d(32, 16, 3, 1, 1, groups=2, dilation=2, padding_mode="reflect"),
        torch.randn(2, 32, 9, 8),
    ),
    "one dimension, uneven padding": (nn.Conv1d(6, 7, 4, padding="same"), torch.randn(2, 6, 9)),
}


@pytest.fixture(scope="module")
def device() -> str:
    if importlib.util.find_spec("triton") is None:
        message = "TRITON ABSENT: install tantala[test-torch] for tests/cim/test_gpu.py"
        (pytest.fail if os.environ.get("TANTALA_REQUIRE_TORCH") else pytest.skip)(message)
    if os.environ.get("TRITON_INTERPRET") == "1":  # see tests/conftest.py
        return "cpu"
    if not torch.cuda.is_available():
        pytest.skip("TORCH WITHOUT CUDA on a machine with a GPU: TRITON_INTERPRET=1 interprets")
    return "cuda"


def both(model: cim.AnalogModel, x: torch.Tensor, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What the only layer answers by kernels, and by the reference on the CPU."""
    layer: Any = next(iter(model.layers.values()))
    layer.matrix.images = 3
    with torch.no_grad():
        wanted = layer.analog(x)
        layer.matrix.images = 3
        answer = layer.to(device).on_gpu(x.to(device)).cpu()
    assert layer.matrix.images == 3 + len(x)
    layer.to("cpu")
    return answer, wanted


def codes_apart(answer: torch.Tensor, wanted: torch.Tensor) -> float:
    """Share of the outputs in which some conversion gave another code."""
    return float(((answer - wanted).abs() > 1e-5 * wanted.abs().max()).float().mean())


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_answer_as_the_reference_does(name: str, calibrated: bool, device: str) -> None:
    network, x = NETWORKS[name]
    model = cim.convert(network, seed=3)
    if calibrated:
        model.calibrate(x)
    for effects in (QUIET, ALL - {"read_noise"}, ALL):
        model.effects = effects
        # Sums in another order: a signal on the edge of two codes may get the other.
        assert codes_apart(*both(model, x, device)) < 0.02


@pytest.mark.parametrize(
    "settings",
    [{"bits_per_phase": 4}, {"bits_per_phase": 1}, {"weight_bits": 4}, {"weight_bits": 2}],
)
def test_phases_and_slices(settings: dict[str, int], device: str) -> None:
    network, x = NETWORKS["linear of sequences"]
    model = cim.convert(network, cim.load_tile("cim_256x256_28nm", **settings), seed=3)
    assert gpu_products.knows(next(iter(model.layers.values())))
    assert codes_apart(*both(model, x, device)) < 0.02


def test_without_converters_only_the_rounding_of_the_columns_is_left(device: str) -> None:
    network, x = NETWORKS["convolution"]
    model = analog(network, "cim_256x256_28nm", {"programming", "wires", "input_quantisation"})
    assert relative(*both(model, x, device)) < 1e-6
    torch.set_float32_matmul_precision("high")
    try:
        error = relative(*both(model, x, device))
    finally:
        torch.set_float32_matmul_precision("highest")
    assert 1e-5 < error < 1e-3  # half the columns' bits, as TF32 has


def test_a_shuffled_weight_is_caught(device: str) -> None:
    network, x = NETWORKS["linear"]
    model = cim.convert(network, seed=3)
    model.effects = QUIET
    layer = next(iter(model.layers.values()))
    answer, wanted = both(model, x, device)
    layer.matrix.columns[0, 0, [3, 4]] = layer.matrix.columns[0, 0, [4, 3]]
    layer.matrix.converters.forget()
    shuffled, _ = both(model, x, device)
    assert codes_apart(answer, wanted) < 0.02
    assert codes_apart(shuffled, wanted) > 0.5


def test_noise_depends_on_the_image_not_on_the_batch(device: str) -> None:
    network, x = NETWORKS["convolution"]
    model = cim.convert(network, seed=3)
    model.calibrate(x)
    layer: Any = next(iter(model.layers.values())).to(device)
    layer.matrix.images = 0
    with torch.no_grad():
        together = layer.on_gpu(x.to(device))
        layer.matrix.images = 0
        apart = torch.cat([layer.on_gpu(one[None].to(device)) for one in x])
        again = layer.on_gpu(x.to(device))
    assert torch.equal(together, apart)
    assert not torch.equal(together, again)


@pytest.mark.parametrize(
    ("network", "x", "shape"),
    [
        (nn.Linear(30, 4), torch.ones(0, 30), (0, 4)),
        (nn.Conv2d(4, 8, 3), torch.ones(0, 4, 6, 6), (0, 8, 4, 4)),
    ],
)
def test_no_vectors_have_no_outputs(network: Any, x: Any, shape: Any, device: str) -> None:
    layer: Any = next(iter(cim.convert(network, seed=3).layers.values())).to(device)
    assert layer.on_gpu(x.to(device)).shape == shape


def test_whole_numbers_are_taken_as_numbers(device: str, monkeypatch) -> None:
    monkeypatch.setattr(gpu_products, "serves", lambda layer, x: gpu_products.knows(layer))
    model = cim.convert(nn.Linear(30, 4), seed=3).to(device)
    x = torch.full((2, 30), -128, dtype=torch.int8, device=device)
    answer = model(x)
    model.layers["model"].matrix.images = 0
    assert torch.equal(answer, model(x.float()))


def test_a_table_of_an_embedding_has_no_kernel(device: str, monkeypatch) -> None:
    monkeypatch.setattr(gpu_products, "serves", lambda layer, x: gpu_products.knows(layer))
    network = nn.Sequential(nn.Embedding(9, 12), nn.Linear(12, 3))
    words = torch.tensor([[1, 8], [0, 3]])
    model = cim.convert(network, seed=3)
    model.effects = QUIET
    found = model.to(device)(words.to(device)).cpu()
    monkeypatch.undo()
    assert codes_apart(found, model.cpu()(words)) < 0.02


def test_an_input_that_is_no_number_is_told_by_its_layer(device: str, monkeypatch) -> None:
    monkeypatch.setattr(gpu_products, "serves", lambda layer, x: gpu_products.knows(layer))
    network = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 3))
    model = cim.convert(network, seed=3).to(device)
    good = torch.ones(2, 30, device=device)
    wrong = good.clone()
    wrong[1, 5] = torch.inf
    for asked in (model, model.layers["0"]):
        asked(good)
        with pytest.raises(InputError, match=r"^0: input that is no number"):
            asked(wrong)
        asked(good)
    with pytest.raises(InputError, match=r"30\)"):
        model(torch.ones(2, 31, device=device))
    model(good)


@pytest.mark.parametrize(
    "settings",
    [{"bits_per_cell": 1}, {"mapping": "offset"}, {"input_bits": 12, "bits_per_phase": 12}],
)
def test_what_the_kernels_do_not_know_is_left_to_the_reference(settings: dict[str, Any]) -> None:
    model = cim.convert(nn.Linear(20, 4), cim.load_tile("cim_256x256_28nm", **settings))
    assert not gpu_products.knows(next(iter(model.layers.values())))
