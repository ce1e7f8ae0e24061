"""A file system that rests for ten years: what is corrected and lost is what the macro predicts."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest
from littlefs import LittleFS, LittleFSError
from retention_rates import ALARM, miscorrected, predicted
from scipy.stats import binom
from small_chip import KIBIBIT, changed_cell, design

import tantala as tt
from tantala.chip import Chip, UncorrectableError
from tantala.chip.block_device import BlockDevice
from tantala.chip.callbacks import LittlefsContext
from tantala.macro.design import Design

FILE = 3000  # bytes
TEN = "10 years"


def filled(chip: Chip) -> tuple[LittlefsContext, LittleFS, dict[str, bytes]]:
    """A file system with as many files as it takes."""
    context = LittlefsContext(BlockDevice(chip, block_size=512))
    system = LittleFS(context=context, **context.geometry)
    count = int(0.7 * chip.size) // FILE
    contents = {f"file{k}": random.Random(k).randbytes(FILE) for k in range(count)}
    for name, content in contents.items():
        with system.open(name, "wb") as file:
            file.write(content)
    system.unmount()
    context.raise_failure()
    return context, system, contents


def read_all(context: LittlefsContext, system: LittleFS, contents: dict[str, bytes]) -> list[str]:
    """How each file came back: "whole", "error" or "silent"."""

    def one(name: str) -> str:
        try:
            with system.open(name, "rb") as file:
                found = file.read()
            context.raise_failure()
        except (LittleFSError, OSError, UncorrectableError):
            return "error"
        return "whole" if found == contents[name] else "silent"

    try:
        system.mount()
    except (LittleFSError, OSError):
        return ["error"]
    with contextlib.suppress(UncorrectableError):
        context.raise_failure()  # of a record of littlefs's own, which has a checksum
    return [one(name) for name in contents]


def words_of(chip: Chip, image: bytes) -> dict[str, int]:
    """Every word of the chip against what it held: how many are whole, lost, or silently wrong."""
    found = {"whole": 0, "lost": 0, "silent": 0}
    for at in range(0, chip.size, chip.word_bytes):
        try:
            same = chip.read(at, chip.word_bytes) == image[at : at + chip.word_bytes]
        except UncorrectableError:
            found["lost"] += 1
            continue
        found["whole" if same else "silent"] += 1
    return found


def of_cell(cell: str, capacity: int) -> Design:
    return design(capacity, scrub="none").model_copy(update={"cell": cell})


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Files of the product cell whose states spread so many times as far."""
    folder: Path = tmp_path_factory.mktemp("cells")

    def spread(factor: float) -> str:
        factors = {"retention.early_spread": factor, "retention.late_spread": factor}
        return changed_cell(folder, factors, name=f"spread{factor:g}")

    return spread


@pytest.mark.parametrize(("name", "kibibits"), [("spi_8mb", 8192), ("rm25c_512k", 512)])
def test_library_chips_keep_a_file_system_as_their_datasheets_say(
    name: str, kibibits: int, campaign: Any
) -> None:
    """Whole chips in a campaign, an eighth by default: a tenth of a wrong bit is predicted at most,
    and no lost word.
    """
    full = tt.load_design(name)
    assert full.capacity == kibibits * KIBIBIT
    chosen = full if campaign.full else design(kibibits * KIBIBIT // 8, name)
    chip = Chip(chosen, seed=31)
    context, system, contents = filled(chip)
    before = chip.statistics
    chip.elapse(TEN, temperature="85 degC")
    assert set(read_all(context, system, contents)) == {"whole"}
    chip.read(0, chip.size)
    promised = predicted(chosen, chip, TEN, "85 degC")
    # The datasheet's own rates are those of the corner and the cycles that are worst.
    sheet = full.macro().evaluate("typical", "85 degC")
    bits = chip.specification.words * chip.die.n
    assert promised.corrected <= sheet["raw_bit_error_rate"] * bits
    assert promised.lost <= sheet["word_failure_probability"] * chip.specification.words
    corrected = chip.statistics.corrected - before.corrected
    assert promised.allows_corrected(corrected)
    assert promised.allows_lost(chip.statistics.uncorrectable)
    campaign.progress(
        f"{len(contents)} files; corrected bits {corrected}, predicted {promised.corrected:.2g}; "
        f"lost words {chip.statistics.uncorrectable}, predicted {promised.lost:.2g}"
    )


def test_a_chip_worse_than_its_datasheet_is_caught(cells: Any) -> None:
    """The control of the test above: the library's promise, a cell that spreads further."""
    worse = of_cell(cells(4.0), 1 << 18)
    chip = Chip(worse, seed=31)
    filled(chip)
    before = chip.statistics.corrected
    chip.elapse(TEN, temperature="85 degC")
    chip.read(0, chip.size)
    found = chip.statistics.corrected - before
    promised = predicted(worse.model_copy(update={"cell": "embedded_28nm"}), chip, TEN, "85 degC")
    assert not promised.allows_corrected(found)


@pytest.mark.parametrize(
    ("spread", "temperature", "fails"), [(4.0, "85 degC", False), (4.5, "150 degC", True)]
)
def test_a_forgetful_chip_corrects_and_loses_as_predicted(
    cells: Any, spread: float, temperature: str, fails: bool, campaign: Any
) -> None:
    chosen = of_cell(cells(spread), 1 << 19)
    chip = Chip(chosen, seed=32)
    context, system, contents = filled(chip)
    image = chip.read(0, chip.size)
    chip.elapse(TEN, temperature=temperature)
    before = chip.statistics
    words = words_of(chip, image)
    after = chip.statistics
    promised = predicted(chosen, chip, TEN, temperature)
    lost = after.uncorrectable - before.uncorrectable
    assert lost == words["lost"]
    assert promised.corrected > 100
    assert promised.allows_corrected(after.corrected - before.corrected)
    assert promised.allows_lost(lost + words["silent"])
    # Wrong data come only where the code takes more errors than it corrects for fewer.
    beyond = lost + words["silent"]
    assert words["silent"] <= binom.isf(ALARM, beyond, miscorrected(chip)) if beyond else True
    assert (lost > 10) == fails
    # The controls: rates of another age or temperature are not those of this chip.
    for time, other in (("1 day", temperature), (TEN, "25 degC")):
        assert not predicted(chosen, chip, time, other).allows_corrected(
            after.corrected - before.corrected
        )
    files = read_all(context, system, contents)
    assert ("error" in files) == fails
    assert files.count("silent") <= words["silent"]
    assert fails or set(files) == {"whole"}
    campaign.progress(
        f"corrected bits {after.corrected - before.corrected}, predicted {promised.corrected:.0f}; "
        f"lost words {lost}, silent {words['silent']}, predicted {promised.lost:.1f}; files "
        + ", ".join(f"{kind} {files.count(kind)}" for kind in ("whole", "error", "silent"))
    )


class UnreportingChip(Chip):
    """A liar: words beyond the code come as whatever was sensed, without a word."""

    def _correct(self, places: Any, sensed: Any) -> Any:
        return super()._correct(places, sensed)[:0]


def test_a_chip_that_does_not_report_is_caught(cells: Any) -> None:
    chip = UnreportingChip(of_cell(cells(8.0), 1 << 18), seed=33)
    filled(chip)
    image = chip.read(0, chip.size)
    chip.elapse(TEN, temperature="150 degC")
    words = words_of(chip, image)
    beyond = chip.statistics.uncorrectable
    assert words["silent"] > binom.isf(ALARM, beyond, miscorrected(chip))
