"""Speed of populations: sampling, pulses, cycles, ageing and write-verify, beside Synaptogen.

Every rate is the best of several runs in one process, printed with the same machine's time for a
calibration kernel (an in-place float32 multiply-add over the same number of cells), because
machines differ and are noisy. What runs on one thread is timed by that thread's processor time, so
that other work on the machine counts less. If the published statistical cell model Synaptogen can
be imported (`pip install synaptogen`; it is no dependency), its pulses run in the same process and
the ratio is printed.

    python -m benchmarks.bench_cells [CELLS]
"""

from __future__ import annotations

import importlib.util
import sys
import time

import numpy as np
from benchmarks.timing import best

from tantala.cell import load_cell

WANTED = 20e6  # cell-pulses a second and core


def report(name: str, count: float, seconds: float, calibration: float, unit: str) -> None:
    """One line: the rate, and the time a cell in units of the calibration kernel's."""
    rate = count / seconds
    print(
        f"{name:34s} {rate / 1e6:9.1f} M {unit}/s   {1e9 * seconds / count:8.2f} ns"
        f"   {seconds / count / calibration:8.1f} x calibration"
    )


def calibration_kernel(cells: int) -> float:
    """Time a cell of a multiply-add over float32, s."""
    a, b = np.ones(cells, np.float32), np.full(cells, 0.5, np.float32)

    def action() -> None:
        np.multiply(a, b, out=a)
        np.add(a, b, out=a)

    return best(action) / cells


def pulses(cells: int, calibration: float) -> float:
    """SET and RESET over a population; the rate of the slower, cell-pulses/s."""
    population = load_cell("hfox_64k").sample(cells, seed=1)
    population.place(1e-5)
    setting = best(lambda: population.set_pulse("1.2 V", "2 V", "100 ns"))
    report("SET pulse", cells, setting, calibration, "cells")
    population.place(1 / 9.3e3)
    resetting = best(lambda: population.reset_pulse("3 V", "2.8 V", "2 us"))
    report("RESET pulse", cells, resetting, calibration, "cells")
    return cells / max(setting, resetting)


def whole_life(cells: int, calibration: float) -> None:
    """Sampling, cycles, ageing, write-verify."""
    cell = load_cell("hfox_64k")
    seconds = best(lambda: cell.sample(cells, seed=2), 3)
    report("sample", cells, seconds, calibration, "cells")
    population = cell.sample(cells, seed=2)
    seconds = best(lambda: population.cycle(1_000_000), 3)
    report("cycle(1_000_000)", cells, seconds, calibration, "cells")
    if cell.relaxation is not None:
        population.place(np.geomspace(5e-6, 1.2e-4, cells))
        seconds = best(
            lambda: population.wait("10 h", "85 degC", extrapolate=True), 3, time.perf_counter
        )
        report("wait 10 h, all threads", cells, seconds, calibration, "cells")
    if cell.item.has("write"):
        population = cell.sample(cells, seed=3)
        level = np.where(np.arange(cells) % 2, 100e-6, 0.0)
        top = np.where(np.arange(cells) % 2, np.inf, 20e-6)
        seconds = best(lambda: population.write_verify(level, top), 1)
        report("write-verify to two levels", cells, seconds, calibration, "cells")
    print(f"state: {population.bytes_per_cell} bytes a cell")


def synaptogen(cells: int, calibration: float, ours: float) -> None:
    """Synaptogen's pulses on as many cells, and the ratio of rates."""
    if importlib.util.find_spec("synaptogen") is None:
        print("Synaptogen is not installed: no ratio (pip install synaptogen)")
        return
    import synaptogen as peer

    cells = min(cells, 1 << 17)
    array = peer.CellArrayCPU(cells)
    # Its polarity: SET below -1.5 V, RESET up to its largest voltage.
    pair = [np.full(cells, volts, np.float32) for volts in (-2.0, 1.46)]

    def cycle() -> None:
        for volts in pair:
            peer.applyVoltage(array, volts)

    seconds = best(cycle) / 2.0
    report("Synaptogen, a pulse", cells, seconds, calibration, "cells")
    print(f"ratio of rates, tantala / Synaptogen: {ours * seconds / cells:.1f}")
    print("(Synaptogen reads its one voltage as a sweep: no width, no temperature, no transistor)")


def main() -> None:
    """Print all rates."""
    cells = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    calibration = calibration_kernel(cells)
    print(f"{cells} cells; calibration kernel {1e9 * calibration:.2f} ns a cell")
    rate = pulses(cells, calibration)
    met = "met" if rate >= WANTED else "missed"
    print(f"wanted: {WANTED / 1e6:.0f} M cell-pulses/s and core: {met} ({rate / WANTED:.2f})")
    whole_life(cells, calibration)
    synaptogen(cells, calibration, rate)


if __name__ == "__main__":
    main()
