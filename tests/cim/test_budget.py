"""Large models on few tiles: hot layers stay digital, and the ledger tells both parts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tantala import cim
from tantala.base.errors import InputError


class Mixture(nn.Module):
    """Eight experts of which each token takes one, a shared expert, and a head a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(64, 8)
        self.experts = nn.ModuleList(nn.Linear(64, 64) for _ in range(8))
        self.shared_expert = nn.Linear(64, 64)
        self.head = nn.Linear(64, 300)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        choice = self.router(x).argmax(-1)
        y = self.shared_expert(x)
        for number, expert in enumerate(self.experts):
            y[choice == number] += expert(x[choice == number])
        return self.head(y.mean(1))


@pytest.fixture(scope="module")
def mixture() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    return Mixture().eval(), torch.randn(3, 20, 64)


def test_the_hottest_layers_leave_the_tiles_first(mixture):
    network, x = mixture
    every = cim.within(network, 1000, x)
    assert every.digital == []
    uses = {need.name: need.uses for need in every.on_tiles}
    assert uses["shared_expert"] == uses["router"] == 20.0
    assert uses["head"] == 1.0
    assert sum(uses[f"experts.{k}"] for k in range(8)) == pytest.approx(20.0)
    # Of the two that are used for every token the larger goes first.
    assert cim.within(network, every.tiles - 1, x).digital == ["shared_expert"]
    assert cim.within(network, every.tiles - 3, x).digital == ["shared_expert", "router"]
    few = cim.within(network, 10, x)
    assert few.tiles == 10
    assert max(n.uses for n in few.on_tiles) <= min(n.uses for n in few.left_digital)
    assert "head" in [n.name for n in few.on_tiles]


def test_what_is_told_to_stay_digital_stays_so(mixture):
    network, x = mixture
    found = cim.within(network, 1000, x, digital="*shared_expert*")
    assert found.digital == ["*shared_expert*"]
    with pytest.raises(InputError, match="2 or more, the smallest"):
        cim.within(network, 1, x, digital=["router"])
    with pytest.raises(InputError, match="no layer is left"):
        cim.within(network, 9, x, digital="*")
    with pytest.raises(InputError, match=r"digital.*heat"):
        cim.within(network, 9, x, digital="heat")
    with pytest.raises(InputError, match="1 or more"):
        cim.within(network, 0, x)


def test_the_ledger_tells_both_parts_and_the_tiles_promised(mixture):
    network, x = mixture
    found = cim.within(network, 20, x)
    chip = cim.convert(network, digital=found.digital)
    cost = chip.cost(x)
    on = [layer for layer in cost.layers if layer.where == "tiles"]
    assert sum(layer.tiles for layer in on) == found.tiles <= 20
    digital = {layer.name for layer in cost.layers if layer.where == "digital"}
    assert digital == set(found.digital)


def test_projections_of_attention_count_by_themselves():
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(32, 4, 300, batch_first=True).eval()
    x = torch.randn(2, 5, 32)
    found = cim.within(block, 4, x)
    chip = cim.convert(block, digital=found.digital)
    assert sum(n.tiles for n in chip.cost(x).layers if n.where == "tiles") == found.tiles <= 4


def test_a_layer_that_no_tile_holds_may_be_told_to_stay_digital():
    network = nn.Sequential(nn.Conv2d(1, 2, 17), nn.Flatten(), nn.Linear(2 * 16, 3)).eval()
    x = torch.rand(2, 1, 20, 20)
    found = cim.within(network, 5, x, digital=["0"])
    assert [need.name for need in found.on_tiles] == ["2"]
    assert cim.convert(network, digital=found.digital)(x).shape == (2, 3)
    with pytest.raises(InputError, match="keep the layer digital"):
        cim.within(network, 5, x)
