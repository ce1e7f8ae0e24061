"""littlefs loses no acknowledged file at power cuts, and liars are caught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chip_medium import ChipMedium
from littlefs_store import LittlefsWorkload
from power_cuts import Tally, idle_cuts, random_cuts, run_cuts
from small_chip import design
from tearing import (
    CODE_WORD_WAYS,
    WORD_WAYS,
    ForgetfulMemory,
    TearingMedium,
    TearingMemory,
    UnwrittenMemory,
)

SIZE = 1 << 16
WORDS = 3000  # in which a cut falls: about a dozen changes


def require_sound(tally: Tally, cuts: int, ways: tuple[str, ...]) -> None:
    """No loss, and enough work that there was something to lose."""
    assert not tally.lost
    assert tally.cuts == cuts
    assert tally.acknowledged > cuts
    assert tally.checks > cuts // 2
    assert set(tally.ways) == set(ways)


@pytest.mark.parametrize(
    ("memory", "ways", "geometry"),
    [
        ({}, WORD_WAYS, {"program_size": 4}),
        ({}, WORD_WAYS, {"program_size": 16}),
        ({}, WORD_WAYS, {"program_size": 16, "on_erase": "fill"}),
        ({"code_word": 16}, CODE_WORD_WAYS, {}),
        ({"code_word": 32}, CODE_WORD_WAYS, {"on_erase": "fill"}),
    ],
    ids=["words", "programs", "programs-fill", "code words", "code words-fill"],
)
def test_acknowledged_files_are_whole(
    memory: dict[str, int], ways: tuple[str, ...], geometry: dict[str, Any], campaign: Any
) -> None:
    count = campaign.count(36, 2000)
    tally = run_cuts(
        LittlefsWorkload(1, block_size=512, **geometry),
        TearingMedium(TearingMemory(SIZE, **memory)),
        random_cuts(count, WORDS, seed=1, ways=ways),
        progress=campaign.progress,
    )
    require_sound(tally, count, ways)


@pytest.mark.parametrize("order", ["changed", "ones_first"])
def test_acknowledged_files_are_whole_on_a_chip(order: str, tmp_path: Path, campaign: Any) -> None:
    count = campaign.count(16, 1250)
    medium = ChipMedium(design(capacity=8 * SIZE // 2, order=order), tmp_path)
    ways = ("as the chip tears",)
    tally = run_cuts(
        LittlefsWorkload(1, block_size=512, program_size=16),
        medium,
        random_cuts(count, WORDS // 4, seed=1, ways=ways),
        life=8,
        progress=campaign.progress,
    )
    campaign.progress(f"words in flight: {dict(medium.outcomes())}")
    require_sound(tally, count, ways)
    assert len(medium.outcomes()) > 1


@pytest.mark.parametrize("lost", [2, 20])
def test_a_chip_that_forgets_acknowledged_writes_is_caught(lost: int, campaign: Any) -> None:
    count = campaign.count(24, 300)
    tally = run_cuts(
        LittlefsWorkload(1, block_size=512, program_size=16),
        TearingMedium(ForgetfulMemory(SIZE, lost=lost)),
        random_cuts(count, WORDS, seed=2, ways=WORD_WAYS),
        life=1,
        progress=campaign.progress,
    )
    campaign.progress(f"{lost} writes forgotten: {tally}")
    assert tally.acknowledged > count
    assert len(tally.lost) > count // 4


@pytest.mark.parametrize("shows", [True, False])
def test_a_chip_that_writes_nothing_is_caught_every_time(shows: bool) -> None:
    tally = run_cuts(
        LittlefsWorkload(1, block_size=512, program_size=16),
        TearingMedium(UnwrittenMemory(SIZE, shows=shows)),
        idle_cuts(6, 9, seed=3),
        life=1,
    )
    assert len(tally.lost) == tally.lives == 6
    assert (tally.acknowledged >= 6) == shows  # where it shows nothing, littlefs itself objects
