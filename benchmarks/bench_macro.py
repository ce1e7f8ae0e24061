"""Speed of one macro evaluation and of the organisation search, and the search against its oracle.

The oracle evaluates every candidate of the full space with every choice written out, so that
nothing is shared between candidates; the search must find the same optimum. With NVSim's binary in
TANTALA_NVSIM, its free search of an 8 Mb macro runs in the same run and gives the ratio. All times
are CPU seconds of one core, so that a busy machine does not matter much.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path

import numpy as np

from tantala.macro import load_design, search
from tantala.macro.macro import Macro
from tantala.macro.plan import Plan, space

# Candidates per second of DESTINY's exhaustive engine, 10,100,295 designs in 36.9 s, and seconds of
# NVSim's search of an 8 Mb macro at 22 nm; both measured on 2 cores of another machine.
DESTINY_RATE = 10_100_295 / 36.9
NVSIM_SECONDS = 47.2

CELL = """-MemCellType: memristor
-CellArea (F^2): 53
-CellAspectRatio: 1
-ResistanceOnAtSetVoltage (ohm): 10000
-ResistanceOffAtSetVoltage (ohm): 100000
-ResistanceOnAtResetVoltage (ohm): 10000
-ResistanceOffAtResetVoltage (ohm): 100000
-ResistanceOnAtReadVoltage (ohm): 10000
-ResistanceOffAtReadVoltage (ohm): 100000
-ResistanceOnAtHalfResetVoltage (ohm): 10000
-CapacitanceOn (F): 1e-16
-CapacitanceOff (F): 1e-16
-ReadMode: current
-ReadVoltage (V): 0.2
-ReadPower (uW): 4
-ResetMode: voltage
-ResetVoltage (V): 1.8
-ResetPulse (ns): 100
-ResetEnergy (pJ): 10
-SetMode: voltage
-SetVoltage (V): 1.8
-SetPulse (ns): 100
-SetEnergy (pJ): 10
-AccessType: CMOS
-AccessCMOSWidth (F): 6
-VoltageDropAccessDevice (V): 0.15
-ReadFloating: false
"""
CONFIG = """-DesignTarget: RAM
-OptimizationTarget: ReadEDP
-EnablePruning: Yes
-ProcessNode: 22
-Capacity (MB): 1
-WordWidth (bit): 64
-DeviceRoadmap: LOP
-LocalWireType: LocalAggressive
-LocalWireRepeaterType: RepeatedNone
-LocalWireUseLowSwing: No
-GlobalWireType: GlobalAggressive
-GlobalWireRepeaterType: RepeatedNone
-GlobalWireUseLowSwing: No
-Routing: H-tree
-InternalSensing: true
-MemoryCellInputFile: reram.cell
-Temperature (K): 350
-BufferDesignOptimization: balanced
"""


def evaluation(macro: Macro, repeats: int = 300) -> float:
    """CPU seconds of one evaluation after construction: the median, over changing conditions."""
    env = macro.design.environment
    temperatures = np.linspace(env.temperature_min, env.temperature_max, repeats)
    times = []
    for temperature in temperatures:
        start = time.thread_time()
        macro.evaluate("typical", float(temperature))
        times.append(time.thread_time() - start)
    return float(np.median(times))


def searching(macro: Macro) -> tuple[search.Found, float]:
    """The default search with its Pareto front, and its CPU seconds."""
    start = time.thread_time()
    found = macro.search(limits=macro.searchable_limits())
    return found, time.thread_time() - start


def oracle(macro: Macro) -> float:
    """Least score of the full space, every candidate written out, limits included."""
    design = macro.design
    equations = macro.equations()
    exponents, limits = search.weights(design.aim), macro.searchable_limits()
    candidates, best = space(design), np.inf
    for start in range(0, candidates.structures, 64):
        block = candidates.block(start, min(start + 64, candidates.structures))
        parts = [np.asarray(getattr(block, field.name)) for field in fields(Plan)]
        shape = np.broadcast_shapes(*(part.shape for part in parts))
        plan = Plan(*(np.broadcast_to(part, shape).reshape(-1).copy() for part in parts))
        values = equations(plan)
        mask = search.within(values, limits)
        good = values["feasible"] if mask is None else values["feasible"] & mask
        if good.any():
            best = min(best, float(search.score(values, exponents)[good].min()))
    return best


def nvsim_seconds(binary: Path) -> float:
    """CPU seconds of NVSim's free search of a 1 MB 1T1R macro at 22 nm."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "reram.cell").write_text(CELL)
        (Path(folder) / "reram.cfg").write_text(CONFIG)
        before = os.times()
        subprocess.run(
            [str(binary), "reram.cfg"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        after = os.times()
    return after.children_user - before.children_user


def main() -> int:
    """Print the figures; exit status 1 if the search misses the oracle's optimum."""
    design = load_design("embedded_8mb_28nm")
    macro = Macro(design)
    once = evaluation(macro)
    print(f"macro evaluation            {once * 1e3:8.3f} ms   (aim < 1 ms)")
    searching(macro)  # compiles the front's kernel
    found, seconds = searching(macro)
    rate = found.candidates / seconds
    print(f"organisation search         {seconds:8.3f} s    (aim < 2 s)")
    print(f"  candidates                {found.candidates:8d}, Pareto front {len(found.front)}")
    print(f"  candidates a second       {rate:8.3g}      (aim >= 1e6)")
    print(f"  over DESTINY's 2.7e5/s    {rate / DESTINY_RATE:8.1f} x    (quoted, another machine)")
    binary = os.environ.get("TANTALA_NVSIM")
    if binary:
        peer = nvsim_seconds(Path(binary))
        print(f"  NVSim, same run           {peer:8.1f} s    {peer / seconds:.0f} x ours")
    else:
        print(f"  NVSim                     {NVSIM_SECONDS:8.1f} s    (quoted; set TANTALA_NVSIM)")
    start = time.perf_counter()
    best = oracle(macro)
    same = abs(found.score / best - 1.0) < 1e-12
    print(
        f"oracle of the full space    {time.perf_counter() - start:8.1f} s    same optimum: {same}"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
