"""What a replay tells: latencies, energy, wear, use of the banks, lifetime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.chip.lifetime import Lifetime
from tantala.chip.replay_state import BINS, PER_DECADE, SHORTEST

Floats = NDArray[np.float64]
YEAR = 365.25 * 86400.0  # s, Julian year
SHOWN = (50.0, 90.0, 99.0, 99.9, 99.99)  # percentiles of a summary
_UNITS = {"clock": "clock_Hz", "line": "line_bit"}  # keys of parameters with their units


@dataclass(frozen=True)
class Latencies:
    """Distribution of latencies, s.

    count: requests. mean, longest. edges (n + 1,): of the bins of `histogram` (n,), which are 0.9 %
    wide; the first holds what took less than the second edge, such as what a buffer took at once.
    """

    count: int
    mean: float
    longest: float
    edges: Floats
    histogram: NDArray[np.int64]

    def percentile(self, percent: float) -> float:
        """The latency that `percent` of the requests do not exceed, right within half a bin, s.

        Raises:
            InputError: no request, or a percentage outside 0 to 100.
        """
        if not self.count or not 0.0 <= percent <= 100.0:
            got = f"{percent:g} % of {self.count} requests"
            raise InputError(Problem("no such percentile", got=got, allowed="0 to 100 % of some"))
        rank = max(1.0, np.ceil(percent / 100.0 * self.count))
        at = int(np.searchsorted(np.cumsum(self.histogram), rank))
        if at == 0:
            return 0.0
        return min(float(np.sqrt(self.edges[at] * self.edges[at + 1])), self.longest)


def latencies(histogram: NDArray[np.int64], total: float, longest: float) -> Latencies:
    """The distribution that the kernel's bins hold."""
    count = int(histogram.sum())
    edges = 10.0 ** (SHORTEST + np.arange(BINS) / PER_DECADE)
    mean = total / count if count else 0.0
    return Latencies(count, mean, longest, np.concatenate([[0.0], edges]), histogram)


@dataclass(frozen=True)
class Replay:
    """The outcome of a replay; times in s, energies in J.

    Attributes:
        trace, design: names. format: of the trace, as it was recognised or stated; "" if it was
            not read from a file. sizes: bytes of the smallest and the largest request.
        parameters: of this run.
        assumptions: sentences that it rests on.
        reads, writes: latencies of requests; of a write until it is in the cells, or in the buffer
            if there is one.
        duration: until the last request is done.
        lateness: by how much the last request was taken later than the trace has it.
        read_words, written_words: words read and written, by wear levelling too.
        edge_words: words read because a write brought a part of them only.
        set_rounds, reset_rounds: pulses of groups of cells.
        gap_moves: lines that wear levelling copied.
        forwarded: reads out of the write buffer.
        coalesced: writes into a line that it held.
        energy: joules by operation: reads, writes, words read before a write in part, wear
            levelling, a serial chip's interface, standby.
        wear: writes of each line of the die, wear levelling's included.
        written: of each line in the same order, as the trace wrote them.
        reading, writing: share of the time which each bank spends, (banks,).
        pump: share of the time in which a write is going on.
        bus: s in which commands, addresses and data are clocked on a serial chip's interface; 0
            for an embedded macro, or where the bus is left out.
        lifetime: None if nothing was written.
    """

    trace: str
    format: str
    sizes: tuple[int, int]
    design: str
    parameters: dict[str, Any]
    assumptions: tuple[str, ...]
    reads: Latencies
    writes: Latencies
    duration: float
    lateness: float
    read_words: int
    written_words: int
    edge_words: int
    set_rounds: int
    reset_rounds: int
    gap_moves: int
    forwarded: int
    coalesced: int
    energy: dict[str, float]
    wear: NDArray[np.int64]
    written: NDArray[np.int64]
    reading: Floats
    writing: Floats
    pump: float
    bus: float
    lifetime: Lifetime | None

    @property
    def total_energy(self) -> float:
        """All energy, J."""
        return sum(self.energy.values())

    def as_data(self) -> dict[str, Any]:
        """The outcome for a program; units are in the names of the keys."""
        return {
            "trace": self.trace,
            "format": self.format,
            "request_size_byte": {"smallest": self.sizes[0], "largest": self.sizes[1]},
            "design": self.design,
            "parameters": {_UNITS.get(key, key): value for key, value in self.parameters.items()},
            "assumptions": list(self.assumptions),
            "duration_s": self.duration,
            "lateness_s": self.lateness,
            "reads": _latency_data(self.reads),
            "writes": _latency_data(self.writes),
            "counts": {
                name: getattr(self, name)
                for name in (
                    "read_words",
                    "written_words",
                    "edge_words",
                    "set_rounds",
                    "reset_rounds",
                    "gap_moves",
                    "forwarded",
                    "coalesced",
                )
            },
            "energy_J": {**self.energy, "total": self.total_energy},
            "wear": {
                "lines": len(self.wear),
                "hottest_line": int(self.wear.argmax()),
                "hottest_writes": int(self.wear.max()),
                "mean_writes": float(self.wear.mean()),
                "writes": self.wear.tolist(),
            },
            "utilisation": {
                "reading": self.reading.tolist(),
                "writing": self.writing.tolist(),
                "pump": self.pump,
                "bus_s": self.bus,
            },
            "lifetime": None if self.lifetime is None else _lifetime_data(self.lifetime),
        }


def _latency_data(of: Latencies) -> dict[str, Any]:
    if not of.count:
        return {"count": 0}
    filled = np.flatnonzero(of.histogram)
    return {
        "count": of.count,
        "mean_s": of.mean,
        "longest_s": of.longest,
        "percentiles_s": {f"{percent:g}": of.percentile(percent) for percent in SHOWN},
        "histogram": {
            "from_s": of.edges[filled].tolist(),
            "to_s": of.edges[filled + 1].tolist(),
            "count": of.histogram[filled].tolist(),
        },
    }


def _lifetime_data(of: Lifetime) -> dict[str, Any]:
    return {
        "endurance": of.endurance,
        "gap_interval": of.gap_interval,
        "unlevelled_years": of.unlevelled / YEAR,
        "start_gap_years": of.levelled / YEAR,
        "even_years": of.even / YEAR,
    }
