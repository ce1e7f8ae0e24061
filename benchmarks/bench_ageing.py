"""Speed of ageing (relaxation and retention in one pass) of 10 million cells, and of its reference.

Prints the time of one wait of cells of one age (the usual case: a chip stands on the shelf) and of
cells of many ages, in ns a cell-core, the time of levels by quadrature, and the ratio of the numpy
reference. Aim: 10 million cells under 1 s on 2 cores, which is 200 ns a cell-core.
"""

from __future__ import annotations

import time
from functools import partial

import numba
import numpy as np
from benchmarks.timing import best

from tantala.cell import load_cell
from tantala.cell.ageing import ageing_of
from tantala.cell.ageing_kernel import tables_of
from tantala.cell.levels import level_of

CELLS = 10_000_000
REFERENCE_CELLS = 20_000
SECONDS, CELSIUS = 3.6e4, 85.0
wall = partial(best, repeats=3, clock=time.perf_counter)  # all cores take part


def main() -> None:
    """Measure and print."""
    law = ageing_of(load_cell("foundry_b"))
    rng = np.random.default_rng(1)
    written = (law.relaxation.full_scale * rng.uniform(0.01, 1.0, CELLS)).astype(np.float32)
    out, writes = np.empty_like(written), np.zeros(CELLS, np.uint32)
    alike = np.full(CELLS, 1e9, np.float32)
    shelf = (1e9 + 10.0 ** rng.uniform(-3.0, 9.0, CELLS)).astype(np.float32)
    various = (10.0 ** rng.uniform(-3.0, 12.0, CELLS)).astype(np.float32)
    tables = tables_of(law)
    cores = numba.get_num_threads()
    for label, ages in (
        ("one age", alike),
        ("written over time, then a year on the shelf", shelf),
        ("any age from 1 ms to 30,000 years, at random", various),
    ):
        tables.age(out, written, ages, writes, 0, 1)  # compiles, and makes the tables
        seconds = wall(lambda ages=ages: tables.age(out, written, ages, writes, 0, 1))
        each = seconds * cores / CELLS * 1e9
        print(
            f"{CELLS:,} cells, {label}: {seconds:.3f} s on {cores} cores, {each:.0f} ns a cell-core"
        )
    cells = load_cell("foundry_b").sample(CELLS, seed=1)
    cells.place(written)
    seconds = wall(lambda: cells.wait(SECONDS, CELSIUS + 273.15))
    print(f"Population.wait of all: {seconds:.3f} s")
    part = written[:REFERENCE_CELLS].astype(float)
    address = np.arange(REFERENCE_CELLS)
    slow = wall(lambda: law.sample(part, 1e9, 1, address, 0)) / REFERENCE_CELLS
    fast = wall(lambda: tables.age(out, written, alike, writes, 0, 1)) * cores / CELLS
    print(f"numpy reference: {slow * 1e9:.0f} ns a cell, {slow / fast:.0f} times the kernel")
    level = wall(lambda: level_of(lambda z: 1e-4 * np.exp(0.05 * z), law, 1e9))
    print(f"one level to 1e-18 by quadrature: {level * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
