"""Power cuts at any pulse: the word in flight may be torn, nothing else is."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from small_chip import design

from tantala.base.errors import InputError
from tantala.chip import Chip, PowerLost, UncorrectableError


def outcome(chip: Chip, address: int, old: bytes, new: bytes) -> str:
    """What the word at `address` is after a cut."""
    try:
        got = chip.read(address, len(old))
    except UncorrectableError:
        return "torn"
    return {old: "old", new: "new", b"\xff" * len(old): "ones"}.get(got, "partial")


@pytest.mark.parametrize("order", ["changed", "ones_first"])
def test_cut_at_every_pulse_of_a_page(order: str) -> None:
    chip = Chip(design(order=order, scrub="none"), seed=11)
    word, rng = chip.word_bytes, np.random.default_rng(1)
    words = 3
    seen: dict[str, int] = {}
    for pulses in range(0, 2000, 23 if order == "ones_first" else 5):
        old, new = rng.bytes(words * word), rng.bytes(words * word)
        chip.power_on()
        chip.write(64, bytes(words * word))
        chip.write(64 - word, b"n" * word + old + b"m" * word)
        chip.cut_power_after(pulses)
        try:
            chip.write(64, new)
            assert pulses > 10
            chip.power_on()
            assert chip.read(64, words * word) == new
            break
        except PowerLost:
            assert not chip.powered
        chip.power_on()
        assert chip.read(64 - word, word) == b"n" * word
        assert chip.read(64 + words * word, word) == b"m" * word
        states = [
            outcome(chip, 64 + at, old[at : at + word], new[at : at + word])
            for at in range(0, words * word, word)
        ]
        for state in states:
            seen[state] = seen.get(state, 0) + 1
        # In order of writing: new words, at most one in flight, old words.
        flight = [state for state in states if state not in ("old", "new")]
        assert len(flight) <= 1
        plain = [state for state in states if state in ("old", "new")]
        assert plain == sorted(plain)
    else:
        pytest.fail("no write came to its end")
    assert seen["old"] > 0
    assert seen["new"] > 0
    assert seen.get("torn", 0) + seen.get("partial", 0) > 0
    if order == "ones_first":
        assert seen.get("ones", 0) + seen.get("torn", 0) > 0


def test_the_cut_falls_at_the_pulse_that_was_asked_for() -> None:
    chip = Chip(design(scrub="none"), seed=12)
    chip.write(0, bytes(64))
    chip.cut_power_after(0)
    with pytest.raises(PowerLost):
        chip.write(0, b"\xff")
    chip.power_on()
    assert chip.read(0, 64) == bytes(64)
    chip.cut_power_after(0)
    assert chip.write(0, bytes(64)).pulses == 0  # nothing to change: no pulse, no cut
    assert chip.powered
    with pytest.raises(InputError, match="bad number of pulses"):
        chip.cut_power_after(-1)


def test_wear_levelling_loses_nothing_when_cut_at_any_pulse() -> None:
    chosen = design(wear_levelling="start_gap", gap_interval=1, scramble=True, line=512)
    chip = Chip(chosen, seed=13)
    rng = np.random.default_rng(2)
    content = bytearray(rng.bytes(2048))
    chip.write(0, bytes(content))
    cuts = 0
    for _ in range(25):
        at = int(rng.integers(0, 256)) * chip.word_bytes
        new = rng.bytes(chip.word_bytes)
        chip.cut_power_after(int(rng.integers(0, 60)))
        try:
            chip.write(at, new)
        except PowerLost:
            cuts += 1
        chip.power_on()
        flying = slice(at, at + chip.word_bytes)
        for first in range(0, len(content), chip.word_bytes):
            if first == at:
                continue
            word = slice(first, first + chip.word_bytes)
            assert chip.read(first, chip.word_bytes) == bytes(content[word])
        chip.write(at, new)
        content[flying] = new
    assert cuts > 5
    assert chip.statistics.gap_moves > 12


def test_a_cut_while_a_read_scrubs_harms_nothing() -> None:
    chip = Chip(design(order="ones_first"), seed=14)
    content = np.random.default_rng(3).bytes(8)
    chip.write(0, content)
    cell = int(chip.map.places(np.array([0]))[0]) * chip.die.n
    wrong = 1e-6 if content[0] & 1 else 3e-4
    for pulses in range(4):
        chip.die.cells.conductance[cell] = wrong
        chip.cut_power_after(pulses)
        with contextlib.suppress(PowerLost):
            chip.read(0, 8)
        chip.power_on()
        assert chip.read(0, 8) == content
