"""Batches of arrays in torch against single arrays."""

import itertools

import numpy as np
import pytest

from tantala import InputError
from tantala.array import Array
from tantala.array.torch_backend import effective_conductances, require_torch


def batch(torch, shape=(3, 12, 9), seed=0, opens=0.1, dtype=None):
    rng = np.random.default_rng(seed)
    table = 10.0 ** rng.uniform(-6.0, -4.0, shape)
    table[rng.random(shape) < opens] = 0.0
    return table, torch.as_tensor(table, dtype=dtype or torch.float64)


def exact(table, *wires, **ends):
    return np.array([Array(one, *wires, **ends).compile().effective_conductance() for one in table])


ENDS = {
    "plain": {},
    "drivers": {"row_driver": 50.0, "column_sense": 20.0},
    "far rows": {"row_driver": 50.0, "row_far": 3.0},
    "far columns": {"column_sense": 20.0, "column_far": 7.0},
    "every end": {"row_driver": 5.0, "row_far": 3.0, "column_sense": 2.0, "column_far": 7.0},
    "turned": {"row_driver": np.inf, "row_far": 0.0, "column_sense": np.inf, "column_far": 5.0},
    "floating": {
        "row_driver": [0.0] * 4 + [np.inf] + [9.0] * 2,
        "column_sense": [np.inf] * 2 + [3.0] * 5,
    },
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("wires", [(2.0, 5.0), (0.0, 5.0), (2.0, 0.0), (0.0, 0.0)])
def test_maps_equal_single_arrays(torch, name, wires):
    table, cells = batch(torch, (2, 7, 7), opens=0.0 if name == "floating" else 0.2)
    found = effective_conductances(cells, *wires, **ENDS[name])
    expected = exact(table, *wires, **ENDS[name])
    assert found.conductance.numpy() == pytest.approx(expected, rel=1e-8, abs=1e-16)
    assert float(found.imbalance.max()) < 1e-13


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 6), (2, 6, 1), (2, 20, 5), (2, 5, 20)])
def test_shapes(torch, shape):
    table, cells = batch(torch, shape, seed=1, opens=0.0)
    ends = {
        "row_driver": np.linspace(1.0, 9.0, shape[1]),
        "row_far": np.linspace(30.0, 70.0, shape[1]),
        "column_sense": np.linspace(2.0, 5.0, shape[2]),
        "column_far": np.linspace(90.0, 40.0, shape[2]),
    }
    found = effective_conductances(cells, "3 ohm", 8.0, **ends)
    expected = exact(table, 3.0, 8.0, **ends)
    assert found.conductance.numpy() == pytest.approx(expected, rel=1e-8, abs=1e-16)


def test_currents(torch):
    table, cells = batch(torch, seed=2)
    volts = np.random.default_rng(3).uniform(0.0, 0.2, (3, 12, 4))
    found = effective_conductances(cells, 4.0, 4.0)
    many = found.currents(torch.as_tensor(volts)).numpy()
    one = found.currents(torch.as_tensor(volts[:, :, 0])).numpy()
    for t in range(3):
        answer = Array(table[t], 4.0, 4.0).compile().solve(volts[t], tolerance=1e-12)
        assert many[t] == pytest.approx(answer.currents, rel=1e-9)
    assert one == pytest.approx(many[:, :, 0], rel=1e-14)


def test_lossy_arrays_of_128_lines(torch):
    table = np.random.default_rng(4).uniform(1e-5, 2e-4, (2, 128, 128))
    found = effective_conductances(torch.as_tensor(table), 5.0, 5.0)
    expected = exact(table, 5.0, 5.0)
    error = np.abs(found.conductance.numpy() - expected).max() / expected.max()
    assert error < 1e-9
    assert float(found.imbalance.max()) < 1e-12
    single = effective_conductances(torch.as_tensor(table, dtype=torch.float32), 5.0, 5.0)
    error = np.abs(single.conductance.numpy() - expected).max() / expected.max()
    assert error < 1e-4
    assert 1e-8 < float(single.imbalance.max()) < 1e-4


def test_on_a_gpu(torch):
    if not torch.cuda.is_available():
        pytest.skip("no GPU at hand")
    _, cells = batch(torch, (8, 64, 48), seed=7)
    found = effective_conductances(cells.cuda(), 2.0, 5.0, column_far=9.0)
    expected = effective_conductances(cells, 2.0, 5.0, column_far=9.0)
    assert found.conductance.is_cuda
    assert found.conductance.cpu().numpy() == pytest.approx(expected.conductance.numpy(), rel=1e-9)


def test_gradient(torch):
    _, cells = batch(torch, (2, 5, 4), seed=5, opens=0.2)
    options = {"row_driver": 300.0, "column_sense": 100.0, "row_far": [np.inf] * 4 + [200.0]}
    weights = torch.as_tensor(np.random.default_rng(6).normal(size=(2, 5, 4)))

    def loss(siemens):
        return (effective_conductances(siemens, 80.0, 120.0, **options).conductance * weights).sum()

    cells.requires_grad_(True)
    loss(cells).backward()
    with torch.no_grad():
        for place in itertools.product(range(2), range(5), range(4)):
            step = torch.zeros_like(cells)
            step[place] = 1e-8
            if cells[place] > 0.0:
                slope = (loss(cells + step) - loss(cells - step)) / 2e-8
            else:
                # An open cell has one side only.
                slope = (4 * loss(cells + step) - loss(cells + 2 * step) - 3 * loss(cells)) / 2e-8
            assert float(cells.grad[place]) == pytest.approx(float(slope), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda torch: np.ones((2, 2, 2)), "is no tensor"),
        (lambda torch: torch.ones((2, 2)).double(), "has a wrong shape"),
        (lambda torch: torch.ones((2, 2, 2)).half(), "has a wrong type"),
        (lambda torch: -torch.ones((2, 2, 2)), "negative or not finite"),
        (lambda torch: torch.full((2, 2, 2), np.inf), "negative or not finite"),
    ],
)
def test_bad_batches(torch, make, words):
    with pytest.raises(InputError, match=words):
        effective_conductances(make(torch), 1.0, 1.0)


def test_bad_ends(torch):
    cells = torch.zeros((2, 3, 4))
    with pytest.raises(InputError) as caught:
        effective_conductances(cells, -1.0, "2 V", row_driver=[1.0], column_sense=-3.0)
    assert len(caught.value.problems) == 4
    with pytest.raises(InputError, match="floating lines"):
        effective_conductances(cells, 1.0, 1.0, column_sense=np.inf)


def test_absent_torch_says_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(InputError, match=r"pip install 'tantala\[torch\]'"):
        require_torch()
