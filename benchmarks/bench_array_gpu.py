"""Exact maps of batches of arrays on a GPU: `python -m benchmarks.bench_array_gpu`.

A batch of T arrays of N x N cells (the workload of `bench_array`, 1 ohm a segment) to its T exact
maps by `effective_conductances`, float64 and float32, on the GPU; beside it the dissection on one
processor thread, an array. The largest relative difference of the maps stands in each row. Without
a GPU it says so and measures a small batch on the processor.
"""

from __future__ import annotations

import time

import numpy as np
from benchmarks.bench_array import workload

import tantala as tt
from tantala.array.torch_backend import effective_conductances, require_torch

CASES = ((64, 1024), (128, 256), (256, 64), (512, 8))  # (lines, arrays of a batch)


def main() -> None:
    torch = require_torch()
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    name = torch.cuda.get_device_name() if gpu else "NO GPU AT HAND: the processor, a small batch"
    print(f"torch {torch.__version__} on {name}")
    print("lines  arrays  dtype    ms a map  processor ms a map  ratio  difference")
    for lines, arrays in CASES:
        arrays = arrays if gpu else max(1, 256 // lines)
        table = workload(lines, 1)[0]
        exact, beside = _processor(table)
        for dtype in (torch.float64, torch.float32):
            cells = torch.as_tensor(table, dtype=dtype, device=device)
            cells = cells.expand(arrays, lines, lines).contiguous()
            effective_conductances(cells[:2], 1.0, 1.0)
            seconds, found = _best(lambda cells=cells: effective_conductances(cells, 1.0, 1.0))
            last = found.conductance[-1].double().cpu().numpy()
            error = float(np.abs(last - exact).max() / exact.max())
            each, kind = seconds / arrays, str(dtype).removeprefix("torch.")
            print(
                f"{lines:5d}  {arrays:6d}  {kind}  {1e3 * each:8.3f}  {1e3 * beside:18.2f}"
                f"  {beside / each:5.1f}  {error:.1e}",
                flush=True,
            )


def _processor(table: np.ndarray) -> tuple[np.ndarray, float]:
    seconds, exact = _best(lambda: tt.Array(table, 1.0, 1.0).compile().effective_conductance())
    return exact, seconds


def _best(call, repeats: int = 3):
    torch = require_torch()
    times = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        answer = call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times[1:]), answer


if __name__ == "__main__":
    main()
