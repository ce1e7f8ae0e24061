"""Replay of traces: queues against a slow model, distributions, wear, lifetime, bad input."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from slow_replay import LINE, WORD, Slow, fixed_timing, write_time

from tantala.base.errors import InputError
from tantala.chip.lifetime import lifetime
from tantala.chip.replay import replay as replay_as_designed
from tantala.chip.replay_result import Replay, latencies
from tantala.chip.replay_state import BINS
from tantala.chip.serial_bus import serial_bus
from tantala.chip.traces import Requests, Trace, trace_of

# The macro of the serial chip alone, where a test does not say otherwise.
replay = functools.partial(replay_as_designed, bus=False)
CASES = {
    "one bank": {"banks": 1},
    "two banks": {"banks": 2},
    "short queue": {"banks": 3, "queue": 2},
    "write buffer": {"banks": 2, "write_buffer": 4},
    "write buffer of one": {"banks": 2, "queue": 3, "write_buffer": 1},
}


def mixed(count: int, seed: int, arrival: str = "s", pace: float = 4e-6) -> Trace:
    """Reads and writes of many sizes, some within words, some over lines, many on few lines."""
    rng = np.random.default_rng(seed)
    size = rng.choice([1, 3, 8, 13, 64, 200, 300], count)
    address = rng.integers(0, 1 << 10, count) * rng.choice([1, 4], count)
    address -= address % rng.choice([1, 8, 64], count)
    # No two at one moment: whether a write began before or with a request is then no matter of
    # rounding.
    gaps = rng.exponential(pace, count) * rng.choice([0.01, 0.5, 4.0], count)
    gaps[0] = 0.0
    address = np.minimum(address, 4096 - size)
    return trace_of(np.cumsum(gaps), rng.random(count) < 0.6, address, size, arrival)


@pytest.mark.parametrize("bus", [False, True], ids=["macro", "bus"])
@pytest.mark.parametrize("rotates", [False, True], ids=["fixed", "start gap"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("arrival", ["s", "instructions"])
def test_the_kernel_does_what_the_slow_model_does(
    case: str, arrival: str, rotates: bool, bus: bool
) -> None:
    levelling = "start_gap" if rotates else "none"
    times = fixed_timing(wear_levelling=levelling, gap_interval=3)
    # Over the bus requests take longer, so that they come later.
    trace = mixed(3000, seed=len(case), arrival=arrival, pace=4e-5 if bus else 4e-6)
    given = CASES[case]
    clock = "1 Hz" if arrival == "instructions" else None
    found = replay(trace, times, clock=clock, bus=bus, **given)
    slow = Slow(
        times,
        given["banks"],
        given.get("queue", 32),
        given.get("write_buffer", 0),
        arrival == "instructions",
        rotates,
        serial_bus(times.design) if bus else None,
    )
    slow.run(trace)
    write = next(iter(trace)).write
    latency = np.array(slow.latencies)
    for of, which in ((found.reads, ~write), (found.writes, write)):
        assert of.count == np.count_nonzero(which)
        assert of.mean == pytest.approx(latency[which].mean(), rel=1e-9)
        assert of.longest == pytest.approx(latency[which].max(), rel=1e-9)
    wear = np.zeros(times.lines + rotates, int)
    for line, writes in slow.wear.items():
        wear[line] = writes
    np.testing.assert_array_equal(found.wear, wear)
    array = found.total_energy - found.energy["standby"]
    assert array == pytest.approx(slow.energy, rel=1e-9)
    ends = [
        slow.pump,
        slow.bus_free,
        *slow.bank_free.values(),
        *(max(ends) for ends in slow.queued.values()),
    ]
    assert found.duration == pytest.approx(max(ends), rel=1e-9)


def test_the_slow_model_is_a_judge() -> None:
    """A queue of another length is told from it."""
    times, trace = fixed_timing(), mixed(3000, seed=3)
    slow = Slow(times, 3, 2, 0, False)
    slow.run(trace)
    other = replay(trace, times, banks=3, queue=3)
    mean = np.mean(slow.latencies)
    both = (other.reads, other.writes)
    found = np.average([of.mean for of in both], weights=[of.count for of in both])
    assert abs(found - mean) > 0.01 * mean


def test_batches_and_formats_of_moments_do_not_matter() -> None:
    times, trace = fixed_timing(scramble=True, wear_levelling="start_gap"), mixed(4000, seed=9)
    whole = next(iter(trace))
    parts = [
        Requests(*(getattr(whole, f.name)[k : k + 37] for f in dataclasses.fields(whole)))
        for k in range(0, len(whole), 37)
    ]
    one = replay(trace, times, write_buffer=5, seed=4)
    many = replay(dataclasses.replace(trace, held=tuple(parts)), times, write_buffer=5, seed=4)
    assert same(one, many)
    cycles = trace_of(whole.moment * 1e9, whole.write, whole.address, whole.size, "cycles")
    clocked = replay(cycles, times, clock="1 GHz", write_buffer=5, seed=4)
    assert clocked.writes.mean == pytest.approx(one.writes.mean, rel=1e-6)
    assert not same(one, replay(trace, times, write_buffer=5, seed=6))


def same(one: Replay, other: Replay) -> bool:
    return (
        one.energy == other.energy
        and one.duration == other.duration
        and (one.reads.histogram == other.reads.histogram).all()
        and (one.writes.histogram == other.writes.histogram).all()
        and (one.wear == other.wear).all()
    )


def test_percentiles_are_right_within_a_bin() -> None:
    rng = np.random.default_rng(1)
    values = rng.lognormal(-12.0, 2.0, 20_000)
    values[:500] = 0.0
    edges = latencies(np.zeros(BINS, np.int64), 0.0, 0.0).edges
    histogram = np.histogram(values, edges)[0]
    found = latencies(histogram, float(values.sum()), float(values.max()))
    for percent in (0.0, 1.0, 50.0, 99.0, 99.99, 100.0):
        exact = np.quantile(values, percent / 100.0, method="inverted_cdf")
        assert found.percentile(percent) == pytest.approx(exact, rel=0.005)
    assert found.mean == pytest.approx(values.mean())
    with pytest.raises(InputError, match="no such percentile"):
        found.percentile(101.0)


def test_writes_wait_in_the_buffer_and_reads_are_answered_from_it() -> None:
    times = fixed_timing()
    moments, writes = [0.0, 1e-9, 2e-9, 3e-9], [True, True, False, True]
    trace = trace_of(moments, writes, [0, 256, 256, 320], 64)
    found = replay(trace, times, banks=1, write_buffer=2)
    # The first write begins at once; the second is joined by the third, and read out of the buffer.
    assert found.forwarded == 1
    assert found.coalesced == 1
    assert found.writes.longest == found.reads.longest == 0.0
    assert found.written_words == 24
    assert found.wear.tolist()[:3] == [1, 0, 1]
    without = replay(trace, times, banks=1)
    assert without.writes.mean > 1e-5
    assert without.forwarded == without.coalesced == 0


def test_one_pump_writes_one_line_at_a_time_but_banks_read_meanwhile() -> None:
    times = fixed_timing()
    write = times.specification.pump_time + write_time(times, 8)
    both = trace_of([0.0, 0.0], True, [0, 128], 64, "none")
    assert replay(both, times, banks=2).duration == pytest.approx(2 * write)
    beside = trace_of([0.0, 0.0], [True, False], [0, 128], 64, "none")
    assert replay(beside, times, banks=2).reads.longest < 1e-6
    assert replay(beside, times, banks=1).reads.longest > write


def test_a_source_that_waits_comes_later_and_one_that_does_not_catches_up() -> None:
    times = fixed_timing()
    moment = np.append(np.zeros(50), 1.0)
    bursts = {
        arrival: trace_of(moment, True, 0, 64, arrival) for arrival in ("instructions", "cycles")
    }
    waits = replay(bursts["instructions"], times, clock=1.0, queue=1)
    comes = replay(bursts["cycles"], times, clock=1.0, queue=1)
    one = times.specification.pump_time + write_time(times, 8)
    assert comes.duration == pytest.approx(1.0 + one)
    assert waits.duration == pytest.approx(1.0 + 50 * one)
    assert waits.lateness == pytest.approx(49 * one)
    assert comes.lateness == pytest.approx(0.0, abs=1e-12)


def test_addresses_are_folded_as_asked() -> None:
    times = fixed_timing(capacity=1 << 18)
    size = times.size
    far = trace_of([0.0] * 4, True, [5 * size + 64, 3 * size, 9 * size + 4096, 3 * size + 128], 64)
    with pytest.raises(InputError, match=r"beyond the chip.*modulo or first_touch"):
        replay(far, times)
    with pytest.raises(InputError, match="first_touch"):
        replay(far, times, fold="first")
    line = WORD * LINE
    modulo = replay(far, times, fold="modulo")
    assert np.flatnonzero(modulo.wear).tolist() == [0, 1, 4096 // line]
    # Pages in the order of their first touch: 0, 1, 2, and 1 again.
    touched = replay(far, times, fold="first_touch")
    assert np.flatnonzero(touched.wear).tolist() == [
        0,
        4096 // line,
        4096 // line + 1,
        8192 // line,
    ]
    over = trace_of([0.0] * 9, True, 4096 * np.arange(9), 64)
    with pytest.raises(InputError, match=r"9 pages.*8 pages"):
        replay(over, times, fold="first_touch")


def test_first_touch_remembers_pages_over_batches() -> None:
    times = fixed_timing(capacity=1 << 18)
    pages = np.random.default_rng(2).integers(0, 1 << 30, 8)[
        np.random.default_rng(3).integers(0, 8, 500)
    ]
    trace = trace_of(np.zeros(500), True, 4096 * pages, 64)
    whole = next(iter(trace))
    parts = [
        Requests(*(getattr(whole, f.name)[k : k + 10] for f in dataclasses.fields(whole)))
        for k in range(0, 500, 10)
    ]
    one = replay(trace, times, fold="first_touch")
    many = replay(dataclasses.replace(trace, held=tuple(parts)), times, fold="first_touch")
    assert same(one, many)


@pytest.mark.parametrize(
    ("fold", "address", "size"),
    [("refuse", 2**63 - 1, 64), ("refuse", 8, 2**63 - 1), ("modulo", 8, 2**63 - 1)],
)
def test_requests_whose_end_overflows_are_beyond_the_chip(
    fold: str, address: int, size: int
) -> None:
    with pytest.raises(InputError, match="a request beyond the chip"):
        replay(trace_of([0.0], True, address, size), fixed_timing(), fold=fold)


def test_time_begins_with_the_first_request() -> None:
    """A log with the seconds since 1970 keeps its latencies, energy and lifetime."""
    times, trace = fixed_timing(), mixed(300, seed=2)
    of = next(iter(trace))
    # Moments that floating point keeps exactly so far from zero.
    early = np.round(of.moment * 2.0**18) / 2.0**18
    found, late = (
        replay(trace_of(start + early, of.write, of.address, of.size), times)
        for start in (0.0, 1_764_130_000.0)
    )
    assert same(found, late)
    assert found.lateness == late.lateness


def test_bad_conditions_are_told_together() -> None:
    times, trace = fixed_timing(), trace_of([0], False, 0)
    with pytest.raises(InputError) as raised:
        replay(trace, times, clock="1 MHz", banks=0, queue=0, write_buffer=-1)
    assert len(raised.value.problems) == 4
    counted = trace_of([0], False, 0, 8, "cycles")
    with pytest.raises(InputError, match="counts cycles; it needs a clock"):
        replay(counted, times)
    with pytest.raises(InputError, match="bad clock"):
        replay(counted, times, clock=0.0)
    with pytest.raises(InputError, match=r"banks.*1 to 256"):
        replay(trace, times, banks=1 << 16)
    with pytest.raises(InputError, match="without requests"):
        replay(trace_of([], [], []), times)


def test_a_trace_that_only_reads_wears_nothing_out() -> None:
    found = replay(trace_of([0, 1e-6], False, 0, 8), fixed_timing())
    assert found.lifetime is None
    assert found.as_data()["lifetime"] is None
    assert found.as_data()["writes"] == {"count": 0}


@pytest.mark.parametrize("endurance", [60, 1000, 5000])
def test_the_lifetime_under_start_gap_is_that_of_the_replay_itself(endurance: int) -> None:
    """The trace again and again, until the hottest place has as many writes."""
    interval = 4
    times = fixed_timing(wear_levelling="start_gap", gap_interval=interval, scramble=True)
    rng = np.random.default_rng(5)
    lines = np.where(rng.random(400) < 0.3, 3, rng.integers(0, times.lines, 400))
    trace = trace_of(np.zeros(400), True, lines * WORD * LINE, WORD * LINE, "none")
    once = replay(trace, times)
    expected = lifetime(once.written, 1.0, endurance, interval)
    assert expected is not None
    # Batches of one pass each, and how many of them the hottest place bears.
    low, high = 0, int(3 * expected.even) + 1
    while high - low > 1:
        middle = (low + high) // 2
        again = dataclasses.replace(trace, held=trace.held * middle)
        low, high = (middle, high) if replay(again, times).wear.max() < endurance else (low, middle)
    shift = (times.lines + 1) * interval / 400  # passes between two shifts
    assert abs(high - expected.levelled) < 0.005 * high + 1.0 + shift
    assert expected.unlevelled <= expected.levelled <= expected.even
    assert expected.unlevelled == endurance / once.written.max()
    if endurance > 1000:
        assert expected.levelled > 5.0 * expected.unlevelled
