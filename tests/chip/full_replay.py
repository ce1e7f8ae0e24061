"""A trace on a whole chip, every cell simulated: the judge of the replay without cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.chip import Chip, Statistics
from tantala.chip.device import Memory
from tantala.chip.traces import Requests, Trace


@dataclass(frozen=True)
class Full:
    """latency, service: of each request, s, with and without its waiting. trace: the requests.
    before, after: the chip's counters.
    """

    latency: NDArray[np.float64]
    service: NDArray[np.float64]
    trace: Requests
    before: Statistics
    after: Statistics

    def spent(self, name: str) -> float:
        """How much a counter has grown."""
        return getattr(self.after, name) - getattr(self.before, name)

    def error(self) -> float:
        """Standard error of the time of all writes, relative to it: of its sums over lines of 128
        bytes, from what writes of one size and alignment take on average.
        """
        write, of = self.trace.write, self.trace
        kind = np.unique(8 * of.size[write] + of.address[write] % 8, return_inverse=True)[1]
        service = self.service[write]
        usual = np.bincount(kind, service) / np.bincount(kind)
        sums = np.bincount(of.address[write] // 128, service - usual[kind])
        return float(np.sqrt((sums**2).sum()) / service.sum())


def filled(chip: Chip, seed: int) -> NDArray[np.uint8]:
    """Write random data everywhere, and return them."""
    content = np.random.default_rng(seed).integers(0, 256, chip.size, dtype=np.uint8)
    chip.write(0, content.tobytes())
    return content


def full_replay(chip: Chip, trace: Trace, changed: float, seed: int) -> Full:
    """Replay a trace in seconds, of one batch; each write flips a share `changed` of its bits."""
    content = filled(chip, seed)
    before, start = chip.statistics, chip.time
    requests = next(iter(trace))
    latency, service = [], []
    rng = np.random.default_rng(seed + 1)
    columns = (requests.moment, requests.write, requests.address, requests.size)
    for moment, write, address, size in zip(*(c.tolist() for c in columns), strict=True):
        if start + moment > chip.time:
            chip.wait(start + moment - chip.time)
        part = slice(address, address + size)
        if write:
            content[part] ^= np.packbits(rng.random(8 * size) < changed)
        begin = chip.time
        perform(chip, write, address, content[part].tobytes())
        service.append(chip.time - begin)
        latency.append(chip.time - start - moment)
    return Full(np.array(latency), np.array(service), requests, before, chip.statistics)


def perform(memory: Memory, write: bool, address: int, data: bytes) -> None:
    """One request; what is read must be `data`."""
    if write:
        memory.write(address, data)
    else:
        assert memory.read(address, len(data)) == data
