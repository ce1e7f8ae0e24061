"""The serial bus in a replay: closed forms, and the whole chip behind its SPI face."""

from __future__ import annotations

import numpy as np
import pytest
from full_replay import serial_replay
from slow_replay import fixed_timing, write_time
from small_chip import design

import tantala as tt
from tantala.chip import Chip
from tantala.chip.replay import replay
from tantala.chip.serial_bus import DIRECT, serial_bus
from tantala.chip.service import timing
from tantala.chip.spi import Slave
from tantala.chip.traces import trace_of

CLOCK = 20e6  # Hz, of spi_8mb


def test_times_of_commands() -> None:
    """A byte of command, three of address, and before a write the write enable."""
    bus = serial_bus(tt.load_design("spi_8mb"))
    assert bus.page == 256
    assert bus.read == pytest.approx(8 * (1 + 3) / CLOCK)
    assert bus.write == pytest.approx(8 * (1 + 1 + 3) / CLOCK)
    assert bus.byte == pytest.approx(8 / CLOCK)
    assert serial_bus(tt.load_design("embedded_13mb_22nm")) == DIRECT
    # Addresses and data on four lines, commands on one.
    chosen = tt.load_design("spi_8mb")
    quad = chosen.model_copy(update={"interface": chosen.interface.model_copy(update={"lines": 4})})
    assert serial_bus(quad).read == pytest.approx(8 * (1 + 3 / 4) / CLOCK)
    # Two bytes of address of a smaller part, by its face.
    small = serial_bus(tt.load_design("rm25c_512k"))
    assert small.read == pytest.approx(8 * (1 + 2) / 1.6e6)


@pytest.mark.parametrize("name", ["spi_8mb", "spi_4mb", "spi_12mb", "rm25c_512k"])
def test_commands_are_those_that_the_face_clocks(name: str) -> None:
    """A read window of the slave is as long as the bus says."""
    chosen = design(capacity=1 << 19, name=name)
    bus = serial_bus(chosen)
    slave = Slave(Chip(chosen, seed=1), chosen.interface.face)
    clock = slave.set_clock(chosen.interface.clock)
    assert clock == chosen.interface.clock
    address = slave.part.address
    read = next(c for c in slave.face.commands.values() if c.action == "read" and not c.dummy)
    begin = slave.time
    slave.transfer(bytes([read.opcode, *bytes(address)]), 64)
    assert slave.time - begin == pytest.approx(bus.read + 64 * bus.byte, rel=1e-9)


def test_latencies_of_an_empty_queue() -> None:
    """A read is its clocks; a write its clocks and its pulses, page by page."""
    times = fixed_timing()
    bus, start = serial_bus(times.design), times.specification.pump_time
    read = replay(trace_of(0.0, False, 64, 64), times)
    assert read.reads.longest == pytest.approx(8 * (4 + 64) / CLOCK, rel=1e-9)
    assert read.duration == pytest.approx(read.reads.longest)
    assert read.bus == pytest.approx(read.duration)
    write = replay(trace_of(0.0, True, 64, 64), times)
    assert write.writes.longest == pytest.approx(
        8 * (5 + 64) / CLOCK + start + write_time(times, 8), rel=1e-9
    )
    # From the middle of a page to the middle of the next: two commands, two starts of the pump.
    both = replay(trace_of(0.0, True, 192, 128), times)
    assert both.bus == pytest.approx(2 * bus.write + 128 * bus.byte)
    assert both.duration == pytest.approx(both.bus + 2 * (start + write_time(times, 8)), rel=1e-9)
    # The buffer takes a write as soon as its data are in.
    held = replay(trace_of(0.0, True, 64, 64), times, write_buffer=2)
    assert held.writes.longest == pytest.approx(8 * (5 + 64) / CLOCK, rel=1e-9)


def test_one_command_at_a_time() -> None:
    """A read waits for the write before it, in whatever bank; without the bus it does not."""
    times = fixed_timing()
    trace = trace_of([0.0, 1e-9], [True, False], [0, 128], 64)
    one = 8 * (5 + 64) / CLOCK + times.specification.pump_time + write_time(times, 8)
    found = replay(trace, times, banks=2)
    assert found.reads.longest == pytest.approx(one + 8 * (4 + 64) / CLOCK - 1e-9, rel=1e-9)
    assert replay(trace, times, banks=2, bus=False).reads.longest < 1e-6


def test_a_queue_in_front_of_the_bus() -> None:
    """A source waits once the queue is full: at most the one that waits, and those before it."""
    times = fixed_timing()
    trace = trace_of(np.zeros(10), False, 0, 64, "none")
    each = 8 * (4 + 64) / CLOCK
    assert replay(trace, times, queue=1).reads.longest == pytest.approx(2 * each)
    assert replay(trace, times, queue=4).reads.longest == pytest.approx(5 * each)
    assert replay(trace, times, queue=32).reads.longest == pytest.approx(10 * each)
    assert replay(trace, times).duration == pytest.approx(10 * each)


def test_assumptions_tell_of_the_bus() -> None:
    times, trace = fixed_timing(), trace_of(0.0, False, 0, 64)
    assert any("one command at a time" in said for said in replay(trace, times).assumptions)
    without = replay(trace, times, bus=False)
    assert any("bus is left out" in said for said in without.assumptions)
    assert without.bus == 0.0


def test_the_whole_chip_behind_its_face() -> None:
    """Latencies and clocks of the same requests, every cell simulated and every clock counted.

    Clocks are equal to rounding, also those of reads with nothing before them; what takes pulses,
    or waits for them, scatters.
    """
    times = timing(design(), 0.5)
    rng = np.random.default_rng(8)
    count = 600
    size = rng.choice([2, 8, 64, 200, 300], count)
    address = np.minimum(rng.integers(0, times.size // 8, count) * 8, times.size - size)
    gaps = rng.exponential(4e-4, count)
    trace = trace_of(np.cumsum(gaps) - gaps[0], rng.random(count) < 0.5, address, size)
    full = serial_replay(Chip(times.design, seed=5), trace, 0.5, seed=5)
    quick = replay(trace, times, queue=1 << 14, seed=5)
    error = 4.0 * full.error() + 0.005
    assert error < 0.03
    for of, which in ((quick.reads, ~full.trace.write), (quick.writes, full.trace.write)):
        assert of.mean == pytest.approx(full.latency[which].mean(), rel=2.0 * error)
    assert full.clocked == pytest.approx(quick.bus, rel=1e-9)
    shortest = replay(trace_of(0.0, False, 0, 2), times).reads.longest
    assert full.latency.min() == pytest.approx(shortest, rel=1e-6)
    # The control: without the bus reads are far too fast.
    alone = replay(trace, times, queue=1 << 14, seed=5, bus=False)
    assert alone.reads.mean < 0.7 * full.latency[~full.trace.write].mean()
