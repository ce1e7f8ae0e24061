"""Speed of write-verify: a million cells written to two levels, beside pulses and reads alone.

After one small write has compiled the kernels. Wall-clock time is printed with the processor time
of all threads, because other work on the machine counts less in the second; the same numbers of
bare pulses and bare reads are timed in the same run, so that their share tells on any machine what
the loop itself costs.

    python -m benchmarks.bench_write_verify [CELLS]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from tantala.cell import load_cell
from tantala.cell.write_scheme import SCHEMES

CELLS = ("hfox_64k", "embedded_28nm")
WANTED = 2.0  # s for a million cells on 2 cores
REPEAT = 3


def written(name: str, cells: int, scheme: str) -> tuple[float, float, float, float, float]:
    """(wall-clock and processor time, the same pulses bare, the same reads bare [s], mean pulses)
    of one checkerboard."""
    cell = load_cell(name)
    low = cell.item.value("write.low_resistance_verify", "S")
    high = cell.item.value("write.high_resistance_verify", "S")
    population = cell.sample(cells, seed=1)
    wants_low = np.arange(cells) % 2 == 0
    edges = np.where(wants_low, low, 0.0), np.where(wants_low, np.inf, high)
    wall, processor = time.perf_counter(), time.process_time()
    outcome = population.write_verify(*edges, scheme=scheme)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    chosen = np.arange(min(cells, 100_000))
    start = time.process_time()
    population.reset_pulse(where=chosen)
    pulse = (time.process_time() - start) / len(chosen)
    start = time.process_time()
    population.read(where=chosen)
    read = (time.process_time() - start) / len(chosen)
    pulses = float(outcome.pulses.sum())
    return wall, processor, pulse * pulses, read * (pulses + cells), pulses / cells


def main() -> None:
    """Print one line a cell and scheme."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    wanted = WANTED * cells / 1e6
    for name in CELLS:
        for scheme in SCHEMES:
            written(name, 10_000, scheme)
            wall, processor, pulses, reads, mean = min(
                written(name, cells, scheme) for _ in range(REPEAT)
            )
            # The processor time of all threads is what one idle core would take.
            verdict = "met" if min(wall, processor) <= wanted else "missed"
            print(
                f"{name} {scheme}: {cells:,} cells to two levels in {wall:.2f} s, processor"
                f" {processor:.2f} s (wanted {wanted:.2g} s: {verdict});"
                f" {mean:.2f} pulses a cell; bare pulses {pulses:.2f} s, bare reads {reads:.2f} s"
            )


if __name__ == "__main__":
    main()
