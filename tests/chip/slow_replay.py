"""A slow model of a replay in plain Python, and timings that need no macro."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from small_chip import design

from tantala.chip.replay_state import GUIDES, Rounds
from tantala.chip.serial_bus import SerialBus
from tantala.chip.service import Timing
from tantala.chip.specification import Direction, Specification
from tantala.chip.traces import Trace

WORD, LINE = 8, 16  # bytes of a word, words of a line
PULSE = 1e-7


def _direction() -> Direction:
    return Direction(PULSE, 2.0, 1e-13, 1e-12)


def fixed_rounds(rounds: list[int]) -> Rounds:
    """Distributions that each hold one number of rounds only."""
    lengths = np.array(rounds) + 1
    cumulative = np.concatenate([np.append(np.zeros(n - 1), 1.0) for n in lengths])
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    guide = np.repeat(lengths[:, None] - 1, GUIDES, axis=1)
    return Rounds(cumulative, first, guide, lengths - 1.0)


def fixed_timing(capacity: int = 1 << 15, **controller: Any) -> Timing:
    """Ten rounds of SET and ten of RESET a word, one of each a byte of a partial word."""
    chosen = design(capacity=capacity, **controller)
    spec = Specification(
        design=chosen,
        words=chosen.words,
        banks=2,
        set_words=chosen.words,
        set_spares=0,
        parallel=1,
        sensing=None,
        read_time=2e-8,
        read_latency=5e-8,
        read_energy=1e-11,
        start_time=3e-8,
        start_energy=2e-11,
        pump_time=4e-7,
        pump_energy=3e-9,
        set=_direction(),
        reset=_direction(),
        standby_power=1e-6,
        transfer_energy=0.0,
        program_power=0.0,
        temperature=300.0,
    )
    rounds = [10 * k for k in range(1, LINE + 1)] + list(range(1, WORD)) + [5 * LINE]
    cells = np.array(rounds) * 1e-12
    return Timing(spec, 0.5, WORD, LINE, fixed_rounds(rounds), fixed_rounds(rounds), cells)


def write_time(timing: Timing, words: int) -> float:
    """Mean time of writing so many whole words of a line, without the start of the pump, s."""
    spec, at = timing.specification, words - 1
    rounds = timing.set.mean[at] * spec.set.period + timing.reset.mean[at] * spec.reset.period
    return float(words * spec.start_time + rounds)


@dataclass
class Slow:
    """Requests through queues, banks and pump, as the documentation tells it."""

    timing: Timing
    banks: int
    queue: int
    buffer: int
    waits: bool
    rotates: bool = False
    bus: SerialBus | None = None
    bus_free: float = 0.0
    bus_ends: list[float] = field(default_factory=list)
    bank_free: dict[int, float] = field(default_factory=dict)
    queued: dict[int, list[float]] = field(default_factory=dict)
    pump: float = 0.0
    held: list[list[Any]] = field(default_factory=list)
    wear: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    energy: float = 0.0
    start: int = 0
    gap: int = -1
    written: int = 0

    def __post_init__(self) -> None:
        self.gap = self.timing.lines

    def place(self, line: int) -> int:
        if not self.rotates:
            return line
        turned = (line + self.start) % self.timing.lines
        return turned + 1 if turned >= self.gap else turned

    def bank(self, line: int) -> int:
        return self.place(line) % self.banks

    def service(self, first: int, last: int, edges: int, starts: bool) -> float:
        spec, time = self.timing.specification, 0.0
        words: dict[int, int] = {}
        for byte in range(first, last):
            words[byte // WORD] = words.get(byte // WORD, 0) + 1
        for count in words.values():
            rounds = 10 if count == WORD else count
            time += spec.start_time + 2 * rounds * PULSE
            self.energy += spec.start_energy + rounds * (1e-12 + 2e-12)
        self.energy += edges * spec.read_energy + starts * spec.pump_energy
        return time + edges * spec.read_time + starts * spec.pump_time

    def store(self, line: int, first: int, last: int, edges: int, starts: bool, at: float) -> float:
        bank = self.bank(line)
        begin = max(at, self.bank_free.get(bank, 0.0), self.pump)
        end = begin + self.service(first, last, edges, starts)
        self.bank_free[bank] = self.pump = end
        self.wear[self.place(line)] = self.wear.get(self.place(line), 0) + 1
        self.written += 1
        return end

    def move_gap(self) -> float:
        spec, end = self.timing.specification, 0.0
        while self.rotates and self.written >= self.timing.design.controller.gap_interval:
            self.written -= self.timing.design.controller.gap_interval
            source = (self.gap - 1) % (self.timing.lines + 1)
            one, other = source % self.banks, self.gap % self.banks
            begin = max(self.pump, self.bank_free.get(one, 0.0))
            self.bank_free[one] = begin + LINE * spec.read_time
            begin = max(self.bank_free[one], self.bank_free.get(other, 0.0))
            end = begin + spec.pump_time + LINE * spec.start_time + 2 * 5 * LINE * PULSE
            self.bank_free[other] = self.pump = end
            self.energy += spec.pump_energy + LINE * (spec.start_energy + spec.read_energy)
            self.energy += 5 * LINE * (1e-12 + 2e-12)
            self.wear[self.gap] = self.wear.get(self.gap, 0) + 1
            if self.gap == 0:
                self.gap, self.start = self.timing.lines, (self.start + 1) % self.timing.lines
            else:
                self.gap -= 1
        return end

    def empty(self) -> float:
        line, first, last, since = self.held.pop(0)
        partial = {first // WORD} if first % WORD else set()
        partial |= {last // WORD} if last % WORD else set()
        end = self.store(line, first, last, len(partial), True, since)
        self.move_gap()
        return end

    def drain(self, now: float) -> None:
        while self.held:
            line, _, _, since = self.held[0]
            if max(since, self.bank_free.get(self.bank(line), 0.0), self.pump) >= now:
                break
            self.empty()

    def read(self, line: int, first: int, last: int, now: float) -> tuple[float, float]:
        spec = self.timing.specification
        for held, begin, end, _ in self.held:
            if held == line and first <= end and last >= begin:
                if begin <= first and last <= end:
                    return now, now
                break
        bank = self.bank(line)
        taken = self.admitted(bank, now)
        words = len({byte // WORD for byte in range(first, last)})
        begin = max(taken, self.bank_free.get(bank, 0.0))
        self.bank_free[bank] = begin + words * spec.read_time
        self.energy += words * spec.read_energy
        end = begin + (words - 1) * spec.read_time + spec.read_latency
        self.queued.setdefault(bank, []).append(end)
        return end, taken

    def admitted(self, bank: int, now: float) -> float:
        ends = self.queued.get(bank, [])
        return max(now, ends[-self.queue]) if len(ends) >= self.queue else now

    def hold(self, line: int, first: int, last: int, now: float) -> float:
        for entry in self.held:
            if entry[0] == line and first <= entry[2] and last >= entry[1]:
                entry[1], entry[2] = min(first, entry[1]), max(last, entry[2])
                return now
        if len(self.held) == self.buffer:
            now = max(now, self.empty())
        self.held.append([line, first, last, now])
        return now

    def request(self, now: float, write: bool, address: int, size: int) -> tuple[float, float]:
        line_bytes, end = WORD * LINE, now
        cuts = [
            address,
            *range((address // line_bytes + 1) * line_bytes, address + size, line_bytes),
        ]
        for begin, stop in zip(cuts, [*cuts[1:], address + size], strict=True):
            line, first = divmod(begin, line_bytes)
            last = first + stop - begin
            if not write:
                done, now = self.read(line, first, last, now)
            elif self.buffer:
                done = now = self.hold(line, first, last, now)
            else:
                now = self.admitted(self.bank(line), now)
                opens, closes = begin == address, stop == address + size
                partial = {first // WORD} if opens and first % WORD else set()
                partial |= {last // WORD} if closes and last % WORD else set()
                bank = self.bank(line)
                done = self.store(line, first, last, len(partial), opens, now)
                self.queued.setdefault(bank, []).append(done)
            end = max(end, done)
        return end, now

    def stepped(self, now: float, write: bool, address: int, size: int) -> tuple[float, float]:
        self.drain(now)
        end, taken = self.request(now, write, address, size)
        if not self.buffer:
            end = max(end, self.move_gap())
        return end, taken

    def over_bus(self, now: float, write: bool, address: int, size: int) -> tuple[float, float]:
        """A read is one command; a write is one a page, and holds the chip until it has ended."""
        bus, pages = self.bus, [address]
        assert bus is not None
        if len(self.bus_ends) >= self.queue:
            now = max(now, self.bus_ends[-self.queue])
        begin = max(now, self.bus_free)
        if write:
            pages += range((address // bus.page + 1) * bus.page, address + size, bus.page)
            for first, stop in zip(pages, [*pages[1:], address + size], strict=True):
                sent = begin + bus.write + (stop - first) * bus.byte
                begin, _ = self.stepped(sent, True, first, stop - first)
        else:
            found, _ = self.stepped(begin + bus.read, False, address, size)
            begin = max(found, begin + bus.read + size * bus.byte)
        self.bus_free = begin
        self.bus_ends.append(begin)
        return begin, now

    def run(self, trace: Trace) -> None:
        late = taken = 0.0
        for batch in trace:
            columns = (batch.moment.tolist(), batch.write, batch.address, batch.size)
            for moment, write, address, size in zip(*columns, strict=True):
                turn = max(moment + late, taken)
                serve = self.stepped if self.bus is None else self.over_bus
                end, taken = serve(turn, bool(write), int(address), int(size))
                if self.waits:
                    late += taken - turn
                self.latencies.append(end - turn)
        self.drain(np.inf)
