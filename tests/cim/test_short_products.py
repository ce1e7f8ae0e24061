"""Variance from 8-bit products: its stated bound, both of its forms, noise drawn with it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tile_examples import analog

from tantala.cim import short_products
from tantala.cim.short_products import LARGEST_SQUARE, ShortKernels


def cells(groups: int = 1) -> torch.Tensor:
    """Variances of cells (groups * 8, 12, 3, 3) that lie near each other."""
    torch.manual_seed(2)
    return 1e-4 * (1.0 + 0.4 * (2.0 * torch.rand(groups * 8, 12, 3, 3) - 1.0))


def inputs(groups: int = 1) -> torch.Tensor:
    """Digits of two images, of which half are 0, and the first is ten times the brighter."""
    torch.manual_seed(3)
    x = torch.randn(2, 12 * groups, 9, 8).clamp(min=0.0) * torch.tensor([80.0, 8.0]).view(
        2, 1, 1, 1
    )
    return x.round().clamp(max=255.0).contiguous(memory_format=torch.channels_last)


def both(
    x: torch.Tensor, wanted: torch.Tensor, held: torch.Tensor, groups: int, stride: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Variance as equation (1) has it for kernels `held`, and the exact one of `wanted`."""
    exact = F.conv2d(x.double().square(), wanted.double(), None, stride, 1, 1, groups)
    kernels = ShortKernels.of(held, held, groups)
    window = (stride, stride), (1, 1), (1, 1)
    high, wide = exact.shape[2:]
    sums, scales = kernels.variance(x, (3, 3), window, (high, wide))
    worth, start = scales.view(2, len(x), high, wide, groups).permute(0, 1, 4, 2, 3)
    found = sums.unflatten(1, (groups, -1)) * worth[:, :, None] + start[:, :, None]
    return found.flatten(1, 2).double(), exact


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_error_stays_within_its_bound(groups: int, stride: int) -> None:
    x, held = inputs(groups), cells(groups)
    found, exact = both(x, held, held, groups, stride)
    error = found - exact
    kernels = ShortKernels.of(held, held, groups)
    apart = (held.double() - kernels.middle).abs()
    square = x.square().unflatten(1, (groups, -1)).amax((2, 3, 4)) / LARGEST_SQUARE
    square = square.clamp(min=1.0).repeat_interleave(12, dim=1)[..., None, None].double()
    bound = F.conv2d((0.5 * square).expand(x.shape), apart, None, stride, 1, 1, groups)
    ones = torch.full_like(held, 0.5 * kernels.step).double()
    bound += F.conv2d(x.double().square(), ones, None, stride, 1, 1, groups)
    assert (error.abs() <= bound * (1.0 + 1e-5)).all()
    assert float(error.norm() / exact.norm()) < 1e-3


def test_a_row_of_another_variance_is_caught() -> None:
    held = cells()
    shuffled = held.roll(1, dims=1)
    found, exact = both(inputs(), held, shuffled, 1, 1)
    assert float((found - exact).norm() / exact.norm()) > 1e-2


@pytest.mark.parametrize("groups", [1, 3])
def test_both_forms_add_up_the_same(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, held = inputs(groups), cells(groups)
    packed, _ = both(x, held, held, groups, 1)
    monkeypatch.setattr(short_products, "X86", False)
    plain, _ = both(x, held, held, groups, 1)
    assert torch.equal(packed, plain)


def test_columns_that_no_fast_kernel_takes() -> None:
    """Groups of three outputs."""
    x, held = inputs(2), cells(2).unflatten(0, (2, 8))[:, :3].flatten(0, 1)
    found, exact = both(x, held, held, 2, 1)
    assert float((found - exact).norm() / exact.norm()) < 1e-3


def test_noise_of_a_convolution_has_the_moments_of_its_cells() -> None:
    torch.manual_seed(7)
    conv = torch.nn.Conv2d(30, 4, 3, bias=False)
    model = analog(conv, "cim_256x256_28nm", ["programming", "read_noise", "input_quantisation"])
    layer = next(iter(model.layers.values()))
    x = torch.rand(1, 30, 3, 3)
    reads = model(x.expand(20_000, -1, -1, -1))[:, :, 0, 0]
    model.effects = ["programming", "input_quantisation"]
    mean = model(x)[0, :, 0, 0]
    whole, step = layer.whole_inputs(x.clone())
    power = float(layer.tile.radix) ** torch.arange(layer.tile.slices)
    variance = layer.matrix.variance[0].flatten(0, 1)[:270].view(270, layer.tile.slices, 4)
    sigma = torch.einsum("r,rso,s->o", whole.flatten() ** 2, variance, power**2).sqrt()
    sigma = sigma * layer.matrix.scale[0] * float(step)
    assert torch.allclose(reads.std(0), sigma, rtol=0.02)
    assert ((reads.mean(0) - mean).abs() < 5 * sigma / 20_000**0.5).all()
