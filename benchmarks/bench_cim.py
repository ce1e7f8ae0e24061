"""Speed of compute in memory: slowdown over plain torch, beside CrossSim where it can be imported.

Workloads of the field's comparison: an MLP 784-512-256-10 and ResNet-20, batches of 64, one thread,
by processor time, both tools and plain torch in one process. CrossSim is not in
the package index: clone github.com/sandialabs/cross-sim and put it on PYTHONPATH.

    python -m benchmarks.bench_cim [mlp] [resnet20]
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import Any

import torch
import torch.nn.functional as F
from benchmarks.timing import best, ratio_of
from torch import nn

from tantala import cim

CONVERTERS = {"adc_quantisation", "input_quantisation"}
WRITTEN = {"programming", "failed_cells"}
# What a row simulates, and the slowdown wanted and aimed at, for (MLP, ResNet-20).
ROWS: dict[str, tuple[set[str], tuple[float, float], tuple[float, float]]] = {
    "sliced, 8-bit converters, programming noise": (
        CONVERTERS | WRITTEN, (6.0, 4.0), (6.0, 4.0),
    ),
    "the same with read noise": (CONVERTERS | WRITTEN | {"read_noise"}, (0, 0), (8.0, 5.0)),
    "the first with exact wires": (CONVERTERS | WRITTEN | {"wires"}, (0, 0), (0, 0)),
    "everything": (set(cim.EFFECTS), (0, 0), (0, 0)),
}  # fmt: skip


class Block(nn.Module):
    """Basic block of ResNet-20 with the short-cut without weights."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, (outputs - inputs) // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added, self.added))
        return F.relu(x + y)


class ResNet20(nn.Module):
    """269,722 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        sizes = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        blocks = [
            Block(inputs if k == 0 else outputs, outputs, stride if k == 0 else 1)
            for inputs, outputs, stride in sizes
            for k in range(3)
        ]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(F.relu(self.norm(self.conv(x))))
        return self.head(x.mean((2, 3)))


def workload(name: str) -> tuple[nn.Module, torch.Tensor]:
    """The network and a batch of 64."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    if name == "mlp":
        layers = nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)
        return nn.Sequential(*layers).eval(), torch.rand(64, 784, generator=generator)
    return ResNet20().eval(), torch.randn(64, 3, 32, 32, generator=generator)


def crosssim(network: nn.Module, sliced: bool, read_noise: bool) -> nn.Module:
    """The network converted by CrossSim in the base configuration of the comparison."""
    from simulator import CrossSimParameters
    from simulator.algorithms.dnn.torch.convert import from_torch
    from simulator.parameters.core_parameters import CoreStyle
    from simulator.parameters.xbar_parameters import ADCRangeLimits

    p: Any = CrossSimParameters()
    p.core.style = CoreStyle.BITSLICED if sliced else CoreStyle.BALANCED
    p.core.rows_max = p.core.cols_max = 256
    p.core.weight_bits = 8
    p.core.bit_sliced.num_slices = 4
    p.xbar.device.Rmin, p.xbar.device.Rmax = 5e3, 1e5
    p.xbar.device.cell_bits = 2 if sliced else 7
    p.xbar.device.programming_error.enable = True
    p.xbar.device.programming_error.model = "NormalIndependentDevice"
    p.xbar.device.programming_error.magnitude = 0.02
    if read_noise:
        p.xbar.device.read_noise.enable = True
        p.xbar.device.read_noise.model = "NormalIndependentDevice"
        p.xbar.device.read_noise.magnitude = 0.01
    p.xbar.dac.mvm.bits, p.xbar.dac.mvm.model = 8, "QuantizerDAC"
    p.xbar.adc.mvm.bits, p.xbar.adc.mvm.model = 8, "QuantizerADC"
    p.xbar.adc.mvm.adc_range_option = ADCRangeLimits.MAX
    return from_torch(network, p).eval()


def tells(ratio: float, wanted: tuple[float, float]) -> str:
    """The verdict on a slowdown."""
    if not wanted[0]:
        return ""
    if ratio <= wanted[1]:
        return f"aim of {wanted[1]:g} met"
    return f"{wanted[0]:g} {'met' if ratio <= wanted[0] else 'missed'}, aim {wanted[1]:g} missed"


def measure(name: str) -> None:
    """One table."""
    network, x = workload(name)
    with torch.inference_mode():
        plain = best(lambda: network(x), 10)
        print(f"\n{name}: plain torch {64 / plain:,.0f} images/s", flush=True)
        begin = time.process_time()
        model = cim.convert(network)
        took = time.process_time() - begin
        cells = sum(len(part) for layer in model.layers.values() for part in layer.matrix.cells)
        print(f"  converted and written by write-verify: {took:.1f} s, {cells:,} cells")
        model.calibrate(x)
        for row, (effects, mlp, resnet) in ROWS.items():
            begin = time.process_time()
            model.effects = effects
            setup = time.process_time() - begin
            ratio = ratio_of(lambda: model(x), lambda: network(x))
            verdict = tells(ratio, mlp if name == "mlp" else resnet)
            print(f"  {row:45s} {ratio:6.1f}x  (set-up {setup:.2f} s)  {verdict}", flush=True)
        if importlib.util.find_spec("simulator") is None:
            print("  CrossSim is not there: clone it and put it on PYTHONPATH")
            return
        peer = crosssim(network, sliced=True, read_noise=False)
        ratio = ratio_of(lambda: peer(x), lambda: network(x), 3)
        print(f"  {'CrossSim, sliced, programming noise':45s} {ratio:6.1f}x", flush=True)
        peer = crosssim(network, sliced=True, read_noise=True)
        one = x[:1]
        ratio = best(lambda: peer(one), 1, warm=False) / best(lambda: network(one), 10)
        print(f"  {'CrossSim, the same with read noise, one image':45s} {ratio:6.1f}x", flush=True)


def main() -> None:
    """The tables asked for, or both."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ("mlp", "resnet20"):
        measure(name)


if __name__ == "__main__":
    main()
