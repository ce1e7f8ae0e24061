"""Speed of replays without cells: `python -m benchmarks.bench_replay [DESIGN]`.

A million requests of 64 bytes, 67 % of them reads, in a row and at random over 1 GiB, back to back;
and a file of the same with its reading. Processor time of the process, best of three. Beside them
stand cycle simulators on the like (200,000 requests, same mix and sizes, requests a second of
processor time): Ramulator 2.1 (commit c5b1c3a) 72,000 to 354,000, its range over sequential and
random traces and two configurations; NVMain (commit ad28c0c, ISSCC 2012 RRAM configuration) 28,000
to 38,000. They were measured on another machine and have no cells either: orders of magnitude.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.timing import best

import tantala as tt
from tantala.chip.replay import replay
from tantala.chip.service import timing
from tantala.chip.traces import read_trace, trace_of

COUNT, SPAN = 1_000_000, 1 << 30
PEERS = {"Ramulator 2.1": (72_000, 354_000), "NVMain": (28_000, 38_000)}
AIM = 1_000_000


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "embedded_8mb_28nm"
    rng = np.random.default_rng(1)
    write = rng.random(COUNT) >= 0.67
    address = {
        "sequential": 64 * np.arange(COUNT) % SPAN,
        "random": 64 * rng.integers(0, SPAN // 64, COUNT),
    }
    times = timing(tt.load_design(name))
    levelled = timing(tt.load_design(name), wear_levelling="start_gap", scramble=True)
    replay(trace_of(0.0, False, 0, arrival="none"), times)  # compiles, or loads, the kernel
    print(f"{name}, requests a second of one core (aim {AIM:,})")
    rates = {}
    for order, places in address.items():
        trace = trace_of(np.zeros(COUNT), write, places, arrival="none")
        for what, chosen, given in (
            ("", times, {}),
            (", write buffer of 16 lines", times, {"write_buffer": 16}),
            (", scrambled, Start-Gap", levelled, {}),
        ):

            def run(trace=trace, chosen=chosen, given=given) -> None:
                replay(trace, chosen, fold="modulo", **given)

            rates[order + what] = COUNT / best(run, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.csv.gz"
        operations = np.where(write, "w", "r")
        lines = (f"{op},{at},64\n" for op, at in zip(operations, address["random"], strict=True))
        path.write_bytes(gzip.compress(("op,address,size\n" + "".join(lines)).encode(), 1))
        seconds = best(lambda: replay(read_trace(path), times, fold="modulo"), 3)
        rates["random, read from a gzip CSV file"] = COUNT / seconds
    for what, rate in rates.items():
        print(f"{what:36} {rate:12,.0f}")
    slowest = min(rates.values())
    for peer, (low, high) in PEERS.items():
        print(
            f"{peer:36} {low:12,} to {high:,}: the slowest above is {slowest / high:.0f}x or more"
        )


if __name__ == "__main__":
    main()
