"""SQLite loses no acknowledged transaction at power cuts, and liars are caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chip_medium import ChipMedium
from power_cuts import Cut, Tally, early_cuts, idle_cuts, random_cuts, run_cuts
from small_chip import design
from sqlite_store import SqliteWorkload
from tearing import (
    CODE_WORD_WAYS,
    WORD_WAYS,
    ForgetfulMemory,
    TearingMedium,
    TearingMemory,
    UnwrittenMemory,
)

from tantala.chip.block_device import ByteDevice
from tantala.chip.sqlite_vfs import ChipDatabase

SIZE = 1 << 17
WORDS = 8000  # in which a cut falls: about a dozen transactions
JOURNALS = ("delete", "persist", "wal")


class NeverDrained(ByteDevice):
    """A liar: sync answers and leaves everything in the cache."""

    def __init__(self, memory: Any, *, cache: int) -> None:
        super().__init__(memory, cache=1 << 20)

    def sync(self) -> None:
        pass


class NarrowClaim(ByteDevice):
    """A liar: it says that a torn write harms 4 bytes, whatever the memory under it does."""

    def __init__(self, memory: Any, *, cache: int) -> None:
        super().__init__(memory, cache=cache, code_word=4)


class KeptLog(ChipDatabase):
    """A careless client: it adds to the log that a cut has left, and does not empty it first."""

    def _pragma(self, text: str) -> list[Any]:
        return [] if text.startswith("wal_checkpoint") else super()._pragma(text)


def require_sound(tally: Tally, cuts: int, ways: tuple[str, ...]) -> None:
    """No loss, and enough work that there was something to lose."""
    assert not tally.lost
    assert tally.cuts == cuts
    assert tally.acknowledged > cuts
    assert tally.checks > cuts // 2
    assert set(tally.ways) == set(ways)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize(
    ("code_word", "ways", "cache"),
    [(4, WORD_WAYS, 0), (16, CODE_WORD_WAYS, 4096), (256, CODE_WORD_WAYS, 16384)],
    ids=["words", "code words", "wide code words"],
)
def test_acknowledged_transactions_are_whole(
    journal: str, code_word: int, ways: tuple[str, ...], cache: int, campaign: Any
) -> None:
    count = campaign.count(18, 1112)
    tally = run_cuts(
        SqliteWorkload(1, journal, cache=cache),
        TearingMedium(TearingMemory(SIZE, code_word=code_word)),
        random_cuts(count, WORDS, seed=1, ways=ways),
        progress=campaign.progress,
    )
    require_sound(tally, count, ways)


@pytest.mark.parametrize("journal", JOURNALS)
def test_acknowledged_transactions_are_whole_on_a_chip(
    journal: str, tmp_path: Path, campaign: Any
) -> None:
    count = campaign.count(6, 834)
    medium = ChipMedium(design(capacity=4 * SIZE), tmp_path)
    ways = ("as the chip tears",)
    tally = run_cuts(
        SqliteWorkload(1, journal, cache=4096),
        medium,
        random_cuts(count, WORDS // 4, seed=1, ways=ways),
        life=6,
        progress=campaign.progress,
    )
    campaign.progress(f"{journal}: {medium.outcomes()}")
    require_sound(tally, count, ways)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("shows", [True, False])
def test_a_chip_that_writes_nothing_is_caught_every_time(journal: str, shows: bool) -> None:
    tally = run_cuts(
        SqliteWorkload(1, journal),
        TearingMedium(UnwrittenMemory(SIZE, shows=shows)),
        idle_cuts(3, 9, seed=2),
        life=1,
    )
    assert len(tally.lost) == tally.lives == 3
    assert tally.acknowledged >= 3


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_sync_that_never_drains_is_caught_every_time(journal: str) -> None:
    tally = run_cuts(
        SqliteWorkload(1, journal, device=NeverDrained),
        TearingMedium(TearingMemory(SIZE)),
        idle_cuts(5, 20, seed=3),
        life=1,
    )
    assert len(tally.lost) == tally.lives == 5
    assert tally.acknowledged >= 5


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_chip_that_forgets_acknowledged_writes_is_caught(journal: str, campaign: Any) -> None:
    count = campaign.count(12, 200)
    tally = run_cuts(
        SqliteWorkload(1, journal),
        TearingMedium(ForgetfulMemory(SIZE, lost=20)),
        random_cuts(count, WORDS, seed=4, ways=WORD_WAYS),
        life=1,
        progress=campaign.progress,
    )
    campaign.progress(f"{journal}, 20 writes forgotten: {tally}")
    assert tally.acknowledged > count
    assert len(tally.lost) > count // 4


def test_a_false_claim_of_powersafe_overwrite_is_caught(campaign: Any) -> None:
    count = campaign.count(30, 400)
    tally = run_cuts(
        SqliteWorkload(1, "wal", device=NarrowClaim),
        TearingMedium(TearingMemory(SIZE, code_word=256)),
        early_cuts(count, changes=9, pulses=40, seed=5, way="harmed"),
        life=1,
        progress=campaign.progress,
    )
    campaign.progress(f"powersafe overwrite claimed falsely: {tally}")
    assert tally.acknowledged > count
    assert len(tally.lost) > count // 20


def test_a_log_carried_on_behind_a_cut_is_caught() -> None:
    draw = np.random.default_rng(6)
    cuts = []
    for number in range(0, 60, 2):  # a cut of the first life, then one early in the second
        first, second = (int(at) for at in draw.integers(0, 60, 2))
        after = int(draw.integers(1, 9))
        cuts += [Cut(number, first, after, "harmed"), Cut(number + 1, second, way="harmed")]
    tallies = [
        run_cuts(
            SqliteWorkload(1, "wal", database=database),
            TearingMedium(TearingMemory(SIZE, code_word=256)),
            cuts,
            life=2,
        )
        for database in (ChipDatabase, KeptLog)
    ]
    assert tallies[0].lost == []
    assert len(tallies[1].lost) > 0
