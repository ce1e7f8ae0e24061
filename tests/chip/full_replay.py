"""A trace on a whole chip, every cell simulated: the judge of the replay without cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tantala.chip import Chip, Statistics
from tantala.chip.device import Memory
from tantala.chip.spi import Slave
from tantala.chip.traces import Requests, Trace


@dataclass(frozen=True)
class Full:
    """latency, service: of each request, s, with and without its waiting. trace: the requests.
    before, after: the chip's counters. clocked: s of the bus's clock in windows; 0 without a bus.
    """

    latency: NDArray[np.float64]
    service: NDArray[np.float64]
    trace: Requests
    before: Statistics
    after: Statistics
    clocked: float = 0.0

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


def serial_replay(chip: Chip, trace: Trace, changed: float, seed: int) -> Full:
    """As `full_replay`, by the commands of the design's SPI face; times are those of the bus."""
    content = filled(chip, seed)
    interface = chip.design.interface
    assert interface is not None
    bus = Slave(chip, interface.face)
    bus.set_clock(interface.clock)
    before, start = chip.statistics, bus.time
    requests = next(iter(trace))
    latency, service, clocked = [], [], 0.0
    rng = np.random.default_rng(seed + 1)
    columns = (requests.moment, requests.write, requests.address, requests.size)
    for moment, write, address, size in zip(*(c.tolist() for c in columns), strict=True):
        if start + moment > bus.time:
            bus.idle(start + moment - bus.time)
        part = slice(address, address + size)
        begin, windows = bus.time, 0.0
        if write:
            content[part] ^= np.packbits(rng.random(8 * size) < changed)
            windows = _written(bus, address, content[part].tobytes(), interface.page // 8)
        else:
            head = bytes([0x03]) + address.to_bytes(bus.part.address, "big")
            assert bus.transfer(head, size) == content[part].tobytes()
            windows = bus.time - begin
        clocked += windows
        service.append(bus.time - begin)
        latency.append(bus.time - start - moment)
    return Full(np.array(latency), np.array(service), requests, before, chip.statistics, clocked)


def _written(bus: Slave, address: int, data: bytes, page: int) -> float:
    """Write page by page, each to its end: s in which the bus was clocked."""
    clocked, stop = 0.0, address + len(data)
    while address < stop:
        count = min(page - address % page, stop - address)
        begin = bus.time
        bus.transfer(b"\x06")
        sent, data = data[:count], data[count:]
        bus.transfer(bytes([0x02]) + address.to_bytes(bus.part.address, "big") + sent)
        clocked += bus.time - begin
        assert bus.busy > 0.0
        bus.idle(bus.busy)
        address += count
    return clocked


def perform(memory: Memory, write: bool, address: int, data: bytes) -> None:
    """One request; what is read must be `data`."""
    if write:
        memory.write(address, data)
    else:
        assert memory.read(address, len(data)) == data
