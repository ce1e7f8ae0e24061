"""The replay without cells against the chip with all of them: energy, time, wear, counts.

Counts and wear must be equal. Sums of time and energy scatter: with the draws of pulses, and with
the traits of the cells, which all writes of a line share. So the standard error is that of sums
over lines, taken from the chip's own writes. Beyond four of them (false alarm 6e-5 a comparison)
half a per cent is allowed, for the pulse trains are those of new cells written one after another,
and say nothing of how long a cell has rested.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest
from full_replay import Full, full_replay
from slow_replay import write_time
from small_chip import design

from tantala.chip import Chip
from tantala.chip.replay import replay as replay_as_designed
from tantala.chip.replay_result import Replay
from tantala.chip.service import Timing, timing
from tantala.chip.traces import Trace, trace_of

# The requests reach this chip without its bus; `test_serial_bus` has them come over it.
replay = functools.partial(replay_as_designed, bus=False)
Z, MODEL = 4.0, 0.005
REQUESTS = 1500


def mixed(times: Timing, count: int, seed: int) -> Trace:
    """Reads and writes at random, of sizes within words, of lines and over them."""
    rng = np.random.default_rng(seed)
    size = rng.choice([2, 8, 64, 64, 64, 128, 200], count)
    address = rng.integers(0, times.size // 8, count) * 8
    address += rng.choice([0, 0, 3], count)
    address = np.minimum(address, times.size - size)
    gaps = rng.exponential(1.2 * write_time(times, 9), count)
    moment = np.cumsum(gaps) - gaps[0]
    return trace_of(moment, rng.random(count) < 0.6, address, size)


def differences(full: Full, quick: Replay) -> dict[str, float]:
    """Relative differences of sums, full over quick."""
    busy = (quick.pump + float(quick.reading.sum())) * quick.duration
    kinds = ("read_energy_J", "write_energy_J", "interface_energy_J")
    energy = sum(full.spent(kind) for kind in kinds)
    return {
        "busy": full.spent("busy_s") / busy - 1.0,
        "energy": energy / (quick.total_energy - quick.energy["standby"]) - 1.0,
    }


def both(times: Timing, trace: Trace, seed: int) -> tuple[Full, Replay]:
    chip = Chip(times.design, seed)
    full = full_replay(chip, trace, times.changed, seed)
    return full, replay(trace, times, banks=1, queue=1 << 14, seed=seed)


@pytest.mark.parametrize("changed", [1.0, 0.5, 0.05])
def test_time_and_energy_agree(changed: float) -> None:
    times = timing(design(), changed)
    trace = mixed(times, REQUESTS, seed=round(100 * changed))
    full, quick = both(times, trace, seed=11)
    for name in ("read_words", "written_words"):
        edges = quick.edge_words if name == "read_words" else 0
        assert full.spent(name) == getattr(quick, name) + edges
    wear = full.after.wear.astype(int) - full.before.wear
    np.testing.assert_array_equal(quick.wear, wear)
    error = Z * full.error() + MODEL
    assert error < 0.025
    for name, found in differences(full, quick).items():
        assert abs(found) < error, name
    assert full.spent("time_s") == pytest.approx(quick.duration, rel=error)
    for of, which in ((quick.reads, ~full.trace.write), (quick.writes, full.trace.write)):
        # A queue carries what scatters to all that wait behind it.
        mean = full.latency[which].mean()
        assert of.mean == pytest.approx(mean, rel=5.0 * error)


def test_parallel_bits_wait_for_the_slowest() -> None:
    chosen = design()
    together = chosen.model_copy(
        update={"write": chosen.write.model_copy(update={"parallel_bits": 16})}
    )
    times = timing(together, 0.3)
    assert times.specification.parallel == 16
    trace = mixed(times, REQUESTS, seed=3)
    full, quick = both(times, trace, seed=12)
    error = Z * full.error() + MODEL
    for name, found in differences(full, quick).items():
        assert abs(found) < error, name
    # The control: bits one after another.
    alone = replay(trace, timing(chosen, 0.3), banks=1)
    assert abs(differences(full, alone)["busy"]) > error


def test_scrambling_and_start_gap_move_the_same_lines() -> None:
    times = timing(design(), 0.5, scramble=True, wear_levelling="start_gap", gap_interval=7)
    rng = np.random.default_rng(4)
    address = 64 * rng.integers(0, times.size // 64, 600) // rng.choice([1, 16], 600)
    address -= address % 64
    trace = trace_of(np.zeros(600), True, address, 64)
    chip = Chip(times.design, seed=13)
    # The chip has filled itself, so its gap is on the way; from there on they go alike.
    filled_lines = times.lines
    full = full_replay(chip, trace, 0.5, seed=13)
    before = trace_of(np.zeros(1), True, 0, times.size)
    joined = dataclasses.replace(before, held=(*before.held, *trace.held))
    quick = replay(joined, times, banks=1, queue=1 << 14, seed=13)
    np.testing.assert_array_equal(quick.wear, full.after.wear.astype(int))
    assert quick.gap_moves == full.after.gap_moves > filled_lines // 7
    assert quick.read_words == full.after.read_words
    assert quick.written_words == full.after.written_words


CONTROLS = {
    "a pulse 3 % longer": lambda spec: {
        "set": dataclasses.replace(spec.set, period=1.03 * spec.set.period),
        "reset": dataclasses.replace(spec.reset, period=1.03 * spec.reset.period),
    },
    "pulses of a group for nothing": lambda spec: {
        "set": dataclasses.replace(spec.set, pulse_energy=0.0),
        "reset": dataclasses.replace(spec.reset, pulse_energy=0.0),
    },
}


def test_wrong_service_times_are_caught() -> None:
    times = timing(design(), 0.5)
    rng = np.random.default_rng(6)
    count = 2 * REQUESTS
    trace = trace_of(np.zeros(count), True, 64 * rng.integers(0, times.size // 64, count), 64)
    full, quick = both(times, trace, seed=14)
    error = Z * full.error() + MODEL
    assert error < 0.012
    for found in differences(full, quick).values():
        assert abs(found) < error
    spec = times.specification
    wrong = {
        name: dataclasses.replace(times, specification=dataclasses.replace(spec, **change(spec)))
        for name, change in CONTROLS.items()
    }
    wrong["another share of changed bits"] = timing(times.design, 0.48)
    for name, other in wrong.items():
        seen = differences(full, replay(trace, other, banks=1, seed=14))
        assert max(map(abs, seen.values())) > error, name
        assert not any(math.isnan(value) for value in seen.values())
