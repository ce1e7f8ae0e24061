"""Tiles on a GPU: the share of its matrix peak that sliced products reach.

A transformer block of width 4096 with 8,192 tokens, and ResNet-18 with 128 images of 224 x 224
(where torchvision is at hand). The peak is that of a float16 product of 8,192 x 8,192 in the same
run; the operations counted are two a product of an input with a slice of a weight. Cells get their
levels with a spread of 2 % in place of write-verify, which would take longer than all the rest.

    python -m benchmarks.bench_cim_gpu [block] [resnet18]
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

import tantala.cim.matrix
from tantala import cim
from tantala.cim.weights import level_conductance

AIM = 0.5
WRITTEN = {"programming", "failed_cells", "ageing"}
CONVERTERS = WRITTEN | {"adc_quantisation", "input_quantisation"}
NOISY = CONVERTERS | {"read_noise", "adc_errors", "tile_variation"}
ROWS = (
    ("sliced, 8-bit converters", CONVERTERS, "high"),
    ("the same, columns to 2^-22", CONVERTERS, "highest"),
    ("with noise and errors of converters", NOISY, "high"),
)


class Levels:
    """Cells that were never written: levels with an even spread of 2 % standard deviation."""

    def __init__(self, tile: Any, _: Any, wanted: np.ndarray, seed: int, first: int) -> None:
        self.wanted, self.real = wanted, np.ones(wanted.shape, np.bool_)
        draws = np.random.default_rng((seed, first)).random(wanted.shape, np.float32)
        self.g = level_conductance(wanted, tile) * (1.0 + 0.07 * (draws - 0.5))

    def __len__(self) -> int:
        return self.wanted.size

    def conductance(self) -> np.ndarray:
        return self.g

    def read_deviation(self, g: np.ndarray) -> np.ndarray:
        return 0.01 * g


def milliseconds(work: Callable[[], object], runs: int = 5) -> float:
    """Median time of `work` on the GPU."""
    times = []
    for run in range(runs + 2):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        if run >= 2:
            times.append(begin.elapsed_time(end))
    return sorted(times)[runs // 2]


def workload(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """The network, a batch, and sample inputs to calibrate with."""
    torch.manual_seed(0)
    if name == "block":
        network = nn.TransformerEncoderLayer(4096, 32, 16384, batch_first=True, activation="gelu")
        x = torch.randn(8, 1024, 4096)
        return network.eval(), x, x[:1, :128]
    from torchvision.models import resnet18

    x = torch.randn(128, 3, 224, 224).contiguous(memory_format=torch.channels_last)
    return resnet18().eval().to(memory_format=torch.channels_last), x, x[:4]


def measure(name: str, peak: float) -> None:
    """One table."""
    network, x, samples = workload(name)
    model = cim.convert(network, seed=1).cuda()
    network, x = network.cuda(), x.cuda()
    model.effects = CONVERTERS
    model.calibrate(samples.cuda())
    operations = 0

    def count(layer: Any, _: Any, answer: torch.Tensor) -> None:
        nonlocal operations
        operations += 2 * answer.numel() * layer.matrix.rows * layer.tile.slices

    handles = [layer.register_forward_hook(count) for layer in model.layers.values()]
    with torch.no_grad():
        model(x)
        for handle in handles:
            handle.remove()
        for row, effects, precision in ROWS:
            torch.set_float32_matmul_precision(precision)
            torch.backends.cudnn.allow_tf32 = precision == "high"
            model.effects = effects
            took, plain = milliseconds(lambda: model(x)), milliseconds(lambda: network(x))
            share = operations / took / 1e9 / peak
            verdict = f"aim of {AIM:g} {'met' if share >= AIM else 'missed'}"
            print(
                f"  {row:36s} {took:7.1f} ms, {operations / took / 1e9:4.0f} TFLOP/s, "
                f"{share:.2f} of peak ({verdict}); {took / plain:.1f}x plain torch",
                flush=True,
            )


def main() -> None:
    """The tables asked for, or both."""
    if not torch.cuda.is_available():
        print("NO GPU AT HAND: nothing measured")
        return
    tantala.cim.matrix.Cells = Levels
    tantala.cim.matrix.EFFECTS = tuple(NOISY)
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    peak = 2 * 8192**3 / milliseconds(lambda: a @ a) / 1e9
    print(f"{torch.cuda.get_device_name()}: {peak:.0f} TFLOP/s of float16")
    for name in sys.argv[1:] or ("block", "resnet18"):
        if name == "resnet18" and importlib.util.find_spec("torchvision") is None:
            print("\nresnet18: torchvision is not there")
            continue
        print(f"\n{name}")
        measure(name, peak)


if __name__ == "__main__":
    main()
