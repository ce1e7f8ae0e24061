"""Service times against the macro's own sums, the code itself, and drawn pulses."""

from __future__ import annotations

import numpy as np
import pytest
from slow_replay import write_time
from small_chip import design

from tantala.base.errors import InputError
from tantala.chip.replay import replay
from tantala.chip.service import Rounds, Timing, _changing, _word_rounds, timing
from tantala.chip.specification import pulse_trains
from tantala.chip.traces import trace_of
from tantala.circuit.ecc import make_code
from tantala.macro.write_verify import geometric_train, mean_group_pulses

Z = 5.0  # standard errors: false alarm 6e-7 a comparison


def test_means_are_those_of_the_macro() -> None:
    """At half of the bits, where check bits change as often as data bits."""
    times = timing(design(), 0.5)
    spec = times.specification
    groups = -(-design().code.word_bits // spec.parallel)
    for name, rounds in (("set", times.set), ("reset", times.reset)):
        train = pulse_trains(design())[name]
        mean = groups * float(mean_group_pulses(train, spec.parallel, 0.25))
        assert rounds.mean[0] == pytest.approx(mean, rel=1e-6)
        assert rounds.mean[times.line - 1] == pytest.approx(times.line * mean, rel=1e-6)
        part = rounds.mean[times.line : times.line + times.word - 1]
        assert (np.diff(part) > 0.0).all()
        assert part[-1] < rounds.mean[0]
        # A copied line changes half of its bits, as here every write does.
        assert rounds.mean[-1] == pytest.approx(times.line * mean, rel=1e-6)
    assert write_time(times, 1) > spec.start_time
    assert times.cells[1] == pytest.approx(2.0 * times.cells[0])


@pytest.mark.parametrize("kind", ["none", "secded", "bch3"])
@pytest.mark.parametrize("share", [0.03, 0.4, 1.0])
def test_check_bits_change_as_the_code_says(kind: str, share: float) -> None:
    chosen = design()
    correction = chosen.correction.model_copy(update={"code": kind})
    chosen = chosen.model_copy(update={"correction": correction})
    code, count = make_code(kind, chosen.word), 40_000
    rng = np.random.default_rng(8)
    for written in (3, chosen.word // 8):
        expected = _changing(chosen, share, written)
        flips = rng.random((count, chosen.word)) < share
        flips[:, 8 * written :] = False
        seen = [flips.mean(axis=0)]
        if code is not None:
            # A linear code: what changes in the check bits is the check of what changes.
            check = code.encode(np.packbits(flips, axis=1, bitorder="little"))
            bits = check[:, None] >> np.arange(code.r, dtype=np.uint64) & np.uint64(1)
            seen.append(bits.mean(axis=0))
        error = np.sqrt(expected * (1.0 - expected) / count)
        assert (np.abs(np.concatenate(seen) - expected) <= Z * error + 1e-12).all()


@pytest.mark.parametrize("parallel", [1, 4, 7])
def test_a_word_waits_for_the_slowest_bit_of_each_group(parallel: int) -> None:
    train = geometric_train(
        0.4, 6, energy=1e-12, voltage=1.0, gate_voltage=1.0, current=1e-5, width=1e-7
    )
    bits = np.array([0.5] * 8 + [0.1] * 5)
    expected = _word_rounds(train, bits, parallel)
    rng, count = np.random.default_rng(9), 50_000
    pulses = np.minimum(rng.geometric(0.4, (count, 13)), 6) * (rng.random((count, 13)) < bits)
    edges = range(0, 13, parallel)
    total = sum(pulses[:, k : k + parallel].max(axis=1) for k in edges)
    seen = np.bincount(total, minlength=len(expected)) / count
    error = np.sqrt(expected * (1.0 - expected) / count)
    assert (np.abs(seen[: len(expected)] - expected) <= Z * error + 1.0 / count).all()
    assert expected.sum() == pytest.approx(1.0)


def moments(rounds: Rounds, at: int) -> tuple[float, float]:
    first = rounds.first[at]
    last = rounds.first[at + 1] if at + 1 < len(rounds.first) else len(rounds.cumulative)
    share = np.diff(rounds.cumulative[first:last], prepend=0.0)
    k = np.arange(len(share))
    return float(share @ k), float(share @ k**2 - (share @ k) ** 2)


@pytest.mark.parametrize("size", [8, 128, 5])
def test_the_kernel_draws_from_these_distributions(size: int) -> None:
    times, count = timing(design(), 0.5), 20_000
    found = replay(trace_of(np.zeros(count), True, 128, size, "none"), times)
    at = size // 8 - 1 if size % 8 == 0 else times.line + size - 1
    for rounds, seen in ((times.set, found.set_rounds), (times.reset, found.reset_rounds)):
        mean, variance = moments(rounds, at)
        assert rounds.mean[at] == pytest.approx(mean, rel=1e-9)
        assert abs(seen / count - mean) < Z * np.sqrt(variance / count)


def test_every_byte_of_ones_first_is_written_whatever_changes() -> None:
    few, many = (timing(design(), share, order="ones_first") for share in (0.01, 0.9))
    assert write_time(few, 1) == write_time(many, 1) > write_time(timing(design(), 0.5), 1)


@pytest.mark.parametrize(
    ("changed", "controller", "what"),
    [
        (1.5, {}, "share of changed bits"),
        (0.5, {"line": 1000}, "whole number of words"),
        (0.5, {"wear_levelling": "start"}, "start_gap"),
        (0.5, {"gap_interval": 0}, "gap_interval"),
        (0.5, {"gap": 3}, "unknown key"),
    ],
)
def test_what_cannot_be_is_refused(changed: float, controller: dict, what: str) -> None:
    with pytest.raises(InputError, match=what):
        timing(design(), changed, **controller)


def test_the_controller_can_be_replaced_without_another_search() -> None:
    times: Timing = timing(design(), None, line="512 bit")
    assert times.line == 8
    assert times.changed == design().write.changed
    assert times.lines == 2 * timing(design()).lines
    assert timing(design()).specification.words == times.specification.words
