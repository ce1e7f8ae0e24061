"""A real network on a real cell: accuracy, ageing, correction, training with noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tantala import cim

SEEDS = 10


class Digits:
    """scikit-learn's digits and a small network trained on them."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        data = load_digits()
        images = torch.tensor(data.images / 16.0, dtype=torch.float32)[:, None]
        labels = torch.tensor(data.target)
        order = torch.randperm(len(labels))
        self.train_x, self.train_y = images[order[:1200]], labels[order[:1200]]
        self.test_x, self.test_y = images[order[1200:]], labels[order[1200:]]
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, stride=2, padding=1),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(128, 32),
            torch.nn.ReLU(),
            torch.nn.Linear(32, 10),
        )
        self.train(self.net, 30, 3e-3)
        self.net.eval()

    def train(self, model: torch.nn.Module, epochs: int, rate: float) -> None:
        optimiser = torch.optim.Adam(model.parameters(), rate)
        for _ in range(epochs):
            for batch in torch.randperm(len(self.train_y)).split(64):
                optimiser.zero_grad()
                answer = model(self.train_x[batch])
                torch.nn.functional.cross_entropy(answer, self.train_y[batch]).backward()
                optimiser.step()

    def accuracy(self, model: torch.nn.Module) -> float:
        with torch.no_grad():
            return float((model(self.test_x).argmax(1) == self.test_y).float().mean())

    def chips(self) -> list[cim.AnalogModel]:
        models = [cim.convert(self.net, seed=seed) for seed in range(SEEDS)]
        for model in models:
            model.calibrate(self.train_x[:256])
        return models


@pytest.fixture(scope="module")
def digits() -> Digits:
    torch.set_num_threads(1)  # small products: threads of several test processes only wait
    return Digits()


def lower(better: list[float], worse: list[float]) -> float:
    """Lower 97.5 % limit of the mean difference over seeds (Student, 9 degrees of freedom)."""
    difference = np.subtract(better, worse)
    return float(difference.mean() - 2.262 * difference.std(ddof=1) / len(difference) ** 0.5)


def test_accuracy_falls_with_age_and_columns_bring_it_back(digits):
    digital = digits.accuracy(digits.net)
    assert digital > 0.93
    chips = digits.chips()
    fresh = [digits.accuracy(chip) for chip in chips]
    assert np.mean(fresh) > digital - 0.08
    for chip in chips:
        chip.elapse("1 day", "85 degC")
    aged = [digits.accuracy(chip) for chip in chips]
    assert lower(fresh, aged) > 0.02
    for chip in chips:
        chip.recalibrate(digits.train_x[:256])
    again = [digits.accuracy(chip) for chip in chips]
    assert lower(again, aged) > 0.02


def test_without_its_errors_a_chip_is_as_good_as_torch(digits):
    model = cim.convert(digits.net)
    model.effects = []
    assert abs(digits.accuracy(model) - digits.accuracy(digits.net)) < 0.005


def test_training_with_noise_helps_the_chip(digits):
    model = cim.convert(digits.net, seed=3)
    model.calibrate(digits.train_x[:256])
    before = model.layers["3"].matrix.digital.clone()
    model.train()
    assert model.layers["3"].noise_in_training > 0.5  # whole weights
    digits.train(model, 6, 1e-3)
    loss_before = _loss(cim.convert(digits.net, seed=3), digits)
    model.reprogram()
    model.calibrate(digits.train_x[:256])
    assert not torch.equal(before, model.layers["3"].matrix.digital)
    assert _loss(model, digits) < loss_before


def _loss(model: torch.nn.Module, digits: Digits) -> float:
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(model(digits.train_x), digits.train_y))
