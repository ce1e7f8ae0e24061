"""A chip of cells that forget, operated in any order over years, against a plain byte array.

What may come of a word that has aged is stated by the design: its data, or a read error, the latter
no more often than the macro predicts for the longest rest before a read; wrong data that nobody
tells no more often than the code takes a pattern beyond its power for another.
"""

from __future__ import annotations

import bisect
import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from retention_rates import ALARM, SHARED, miscorrected
from scipy.stats import binom, poisson
from small_chip import KIBIBIT, ForgetfulChip, changed_cell, design

from tantala.base.quantity import to_si
from tantala.chip import Chip, PowerLost, ProtectedError, UncorrectableError

SIZE = 4 << 10
WORD = 8
HOT = "85 degC"
AGES = [to_si(age, "s") for age in ("1 s", "1 hour", "1 day", "30 days", "1 year", "10 years")]
AGES += [AGES[-1] * 3, AGES[-1] * 10, AGES[-1] * 30]
spread_out = st.integers(0, 80) | st.integers(SIZE - 80, SIZE - 1) | st.integers(0, SIZE - 1)


@functools.cache
def lost_at_most(cell: str, age: float) -> float:
    """Share of words beyond the code after `age` s at 85 degC; undecided reads count as wrong."""
    chosen = design(SIZE // 128 * KIBIBIT).model_copy(update={"cell": cell})
    levels, chip = chosen.macro().levels(age, HOT, 1), Chip(chosen)
    sensing = chip.specification.sensing
    weight = np.exp(-0.5 * sensing.z**2)
    wrong = np.exp(levels.low.below(sensing.low)) + np.exp(levels.high.above(sensing.high))
    rate = 0.5 * float(weight @ wrong / weight.sum()) * (1.0 + SHARED)
    return float(binom.sf(chip.die.code.t, chip.die.n, rate))


@dataclass
class Ledger:
    """What all runs of a machine have seen; a word counts once each time that it was written."""

    words: int = 0
    lost: int = 0
    silent: int = 0
    predicted: float = 0.0  # lost words at most
    share: float = 0.0  # miscorrected of those beyond the code, at most

    def check(self) -> None:
        """Raises AssertionError for more errors than the design predicts."""
        beyond = self.lost + self.silent
        assert beyond <= poisson.isf(ALARM, self.predicted), f"too many read errors: {self}"
        assert self.silent <= (binom.isf(ALARM, beyond, self.share) if beyond else 0), (
            f"wrong data that nobody told: {self}"
        )


class ChipModel(RuleBasedStateMachine):
    """A chip and its model: `content`, with None for a word that a cut has caught in flight."""

    kind: type[Chip] = Chip
    cell: str
    promised: str  # the cell whose rates are the promise
    ledger: Ledger

    @initialize(seed=st.integers(0, 5), scrub=st.sampled_from(("none", "on_read")))
    def start(self, seed: int, scrub: str) -> None:
        chosen = design(
            SIZE // 128 * KIBIBIT,
            scrub=scrub,
            wear_levelling="start_gap",
            gap_interval=3,
            scramble=True,
            line=512,
        )
        self.chip = self.kind(chosen.model_copy(update={"cell": self.cell}), seed=seed)
        assert self.chip.word_bytes == WORD
        words = SIZE // WORD
        self.content: list[bytes | None] = [bytes(WORD)] * words
        self.born = [0.0] * words  # age of the chip when the word was written
        self.found: list[str | None] = [None] * words  # what the reads since then were
        self.worst = [0.0] * words  # share of words lost, predicted for those reads
        self.age = 0.0
        self.blocks = (0, 0)
        self.ledger.share = miscorrected(self.chip)

    # The model

    def close(self, word: int) -> None:
        """The word is written anew, or the run ends: its reads go into the ledger."""
        if self.found[word] is not None:
            self.ledger.words += 1
            self.ledger.lost += self.found[word] == "lost"
            self.ledger.silent += self.found[word] == "silent"
            self.ledger.predicted += self.worst[word]
        self.found[word], self.worst[word], self.born[word] = None, 0.0, self.age

    def met(self, word: int, outcome: str) -> None:
        """A read of a word with known content."""
        age = self.age - self.born[word]
        assert age > 0.0 or outcome == "right", f"word {word} was not whole when just written"
        grid = AGES[min(bisect.bisect_left(AGES, age), len(AGES) - 1)]
        self.worst[word] = max(self.worst[word], lost_at_most(self.promised, grid))
        if self.found[word] in (None, "right"):
            self.found[word] = outcome

    def words(self, address: int, length: int) -> range:
        return range(address // WORD, -(-(address + length) // WORD))

    def check_place(self, error: UncorrectableError, words: Sequence[int]) -> None:
        """An error tells the first byte of a word that was asked for."""
        assert error.address % WORD == 0
        assert error.address // WORD in words

    def teardown(self) -> None:
        if hasattr(self, "chip"):
            self.chip.power_on()
            for word in range(0, SIZE // WORD, 3):
                self.read_word(word)
            for word in range(SIZE // WORD):
                self.close(word)

    # Operations

    def read_word(self, word: int) -> bool:
        """Whether it was there; it is right, or lost, or counted as silently wrong."""
        expected = self.content[word]
        try:
            data = self.chip.read(word * WORD, WORD)
        except UncorrectableError as error:
            self.check_place(error, [word])
            if expected is not None:
                self.met(word, "lost")
            return False
        if expected is not None:
            self.met(word, "right" if data == expected else "silent")
        return True

    @rule(address=spread_out, length=st.integers(1, 60))
    def read(self, address: int, length: int) -> None:
        """Word by word, since an error tells of the first lost word only; then at once."""
        length = min(length, SIZE - address)
        if not self.chip.powered:
            with pytest.raises(PowerLost):
                self.chip.read(address, length)
            return
        try:
            for word in self.words(address, length):
                self.read_word(word)
            self.chip.read(address, length)
        except PowerLost:
            assert not self.chip.powered  # a cut, while the read mended a word
        except UncorrectableError as error:
            self.check_place(error, self.words(address, length))

    @rule(address=spread_out, data=st.binary(min_size=1, max_size=40))
    def write(self, address: int, data: bytes) -> None:
        data = data[: SIZE - address]
        first, last = self.blocks
        touched = self.words(address, len(data))
        try:
            self.chip.write(address, data)
        except ProtectedError:
            assert self.chip.powered
            assert address < last
            assert address + len(data) > first
            return
        except UncorrectableError as error:
            # A part of a word that is lost: nothing was written.
            self.check_place(error, [touched[0], touched[-1]])
            if self.content[error.address // WORD] is not None:
                self.met(error.address // WORD, "lost")
            return
        except PowerLost:
            assert not self.chip.powered
            if self.cut_ahead:
                for word in touched:
                    self.close(word)
                    self.content[word] = None
                self.cut_ahead = False
            return
        assert not (address < last and address + len(data) > first)
        for word in touched:
            start = word * WORD - address
            new = data[max(start, 0) : start + WORD]
            if len(new) < WORD:
                old = self.content[word]
                at = max(-start, 0)
                new = None if old is None else old[:at] + new + old[at + len(new) :]
            if new is None or self.found[word] == "silent":
                # Torn, or wrong by miscorrection: the bytes beside the new ones are what they are.
                self.close(word)
                self.content[word] = None
                continue
            self.close(word)
            self.content[word] = new

    @rule(
        time=st.sampled_from(("1 s", "1 hour", "30 days", "1 year", "10 years", "10 years")),
        hot=st.booleans(),
    )
    @precondition(lambda self: self.age < AGES[-2])
    def elapse(self, time: str, hot: bool) -> None:
        """Rest below 85 degC harms less than rest at it."""
        self.chip.elapse(time, temperature=HOT if hot else "25 degC")
        self.age += to_si(time, "s")

    cut_ahead = False

    @rule(pulses=st.integers(0, 300))
    def cut(self, pulses: int) -> None:
        if self.chip.powered:
            self.chip.cut_power_after(pulses)
            self.cut_ahead = True

    @rule()
    def power_off(self) -> None:
        self.chip.power_off()

    @rule()
    def power_on(self) -> None:
        self.chip.power_on()
        self.cut_ahead = False

    @rule(first=st.integers(0, SIZE), length=st.just(0) | st.integers(0, SIZE))
    def protect(self, first: int, length: int) -> None:
        self.blocks = (first, first + length) if length else (0, 0)
        self.chip.protect(*self.blocks)

    @rule(now=st.integers(0, 5))
    def another_day(self, now: int) -> None:
        """The die is saved and loaded, now and then: it takes long."""
        if now:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "die.img"
            self.chip.save(path)
            self.chip = self.kind.load(path)
        assert self.chip.protected == self.blocks


def run(
    kind: type[Chip], cell: str, promised: str, examples: int, steps: int, shrink: bool = True
) -> Ledger:
    """Run the machine and hold all that it has seen against what was promised."""
    ledger = Ledger()
    attributes = {"kind": kind, "cell": cell, "promised": promised, "ledger": ledger}
    run_state_machine_as_test(
        type("Model", (ChipModel,), attributes),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            verbosity=Verbosity.quiet,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    ledger.check()
    return ledger


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cell whose states spread so far that ten years at 85 degC lose words."""
    factors = {"retention.early_spread": 7.0, "retention.late_spread": 7.0}
    return changed_cell(tmp_path_factory.mktemp("cells"), factors)


def test_the_product_cell_is_right_whatever_happens(campaign: Any) -> None:
    seen = run(Chip, "embedded_28nm", "embedded_28nm", campaign.count(4, 250), 40)
    campaign.progress(str(seen))
    assert seen.words > 400
    assert seen.lost == seen.silent == 0


def test_a_cell_that_forgets_is_right_or_tells(forgetful: str, campaign: Any) -> None:
    seen = run(Chip, forgetful, forgetful, campaign.count(6, 250), 40)
    campaign.progress(str(seen))
    assert seen.words > 400
    assert seen.lost > 5


class UnreportingChip(Chip):
    """A liar: words beyond the code come as whatever was sensed."""

    def _correct(self, places: Any, sensed: Any) -> Any:
        return super()._correct(places, sensed)[:0]


def test_a_chip_that_forgets_writes_is_caught() -> None:
    with pytest.raises(AssertionError, match="not whole when just written"):
        run(ForgetfulChip, "embedded_28nm", "embedded_28nm", 100, 40, shrink=False)


def test_a_chip_that_does_not_report_is_caught(forgetful: str) -> None:
    with pytest.raises(AssertionError, match="nobody told"):
        run(UnreportingChip, forgetful, forgetful, 12, 40)


def test_a_cell_worse_than_promised_is_caught(forgetful: str) -> None:
    with pytest.raises(AssertionError, match="too many read errors"):
        run(Chip, forgetful, "embedded_28nm", 12, 40)
