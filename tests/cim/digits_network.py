"""A real network for tests: scikit-learn's handwritten digits, learnt here in a second."""

from __future__ import annotations

from functools import cache

import torch
from sklearn.datasets import load_digits
from torch import nn

TRAINED_ON = 1297  # samples; the other 500 are for tests


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images as rows of 64 brightnesses of 0 to 1, and the digit that each shows."""
    found = load_digits()
    images = torch.tensor(found.images / 16.0, dtype=torch.float32).flatten(1)
    return images, torch.tensor(found.target)


def held_out(count: int = 500) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples that training does not see."""
    images, labels = digits()
    return images[TRAINED_ON:][:count], labels[TRAINED_ON:][:count]


@cache
def _trained() -> nn.Module:
    before = torch.get_rng_state()
    torch.manual_seed(0)
    images, labels = (part[:TRAINED_ON] for part in digits())
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
    torch.set_rng_state(before)
    return network.eval()


def build() -> nn.Module:
    """The trained network: 64 - 32 - 10 with rectifiers."""
    return _trained()
