"""SQLite's files on a byte device: layout, limits, what SQLite is told of the chip."""

from __future__ import annotations

import apsw
import pytest
from small_chip import design
from tearing import TearingMemory

from tantala.base.errors import InputError
from tantala.chip import Chip
from tantala.chip.block_device import ByteDevice
from tantala.chip.sqlite_vfs import ChipDatabase, ChipVFS

SIZE = 1 << 17
JOURNALS = ("delete", "persist", "truncate", "wal")


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_database_is_found_again(journal: str) -> None:
    device = ByteDevice(TearingMemory(SIZE), cache=4096)
    for count in range(3):
        database = ChipDatabase(device, journal)
        if count == 0:
            database.execute("CREATE TABLE note(text)")
        database.execute("INSERT INTO note VALUES(zeroblob(3000))")
        assert database.execute("SELECT count(*) FROM note").get == count + 1
        database.close()


def test_a_database_on_a_chip() -> None:
    chip = Chip(design(capacity=1 << 19), seed=3)
    database = ChipDatabase(ByteDevice(chip), "wal")
    database.execute("CREATE TABLE note(text); INSERT INTO note VALUES('hello')")
    database.close()
    database = ChipDatabase(ByteDevice(chip), "wal")
    assert database.execute("SELECT text FROM note").get == "hello"
    assert chip.statistics.writes > 5
    database.close()


@pytest.mark.parametrize(
    ("code_word", "claims"), [(1, True), (2, True), (4, True), (8, False), (256, False)]
)
def test_powersafe_overwrite_is_claimed_only_for_narrow_words(code_word: int, claims: bool) -> None:
    vfs = ChipVFS(ByteDevice(TearingMemory(SIZE), code_word=code_word), "claims")
    file = vfs.xOpen("chip.db", [0, 0])
    claimed = file.xDeviceCharacteristics() & apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE
    assert bool(claimed) == claims
    assert file.xSectorSize() == 512
    vfs.unregister()


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_write_of_sqlites_ends_inside_four_bytes(journal: str) -> None:
    """What the claim rests on."""
    places = set()

    class Watched(ByteDevice):
        def write(self, offset: int, data: bytes) -> None:
            places.update((offset, offset + len(data)))
            super().write(offset, data)

    database = ChipDatabase(Watched(TearingMemory(SIZE)), journal)
    list(database.execute("PRAGMA wal_autocheckpoint=8; CREATE TABLE note(text)"))
    for length in range(1, 4000, 97):
        database.execute("INSERT INTO note VALUES(zeroblob(?))", (length,))
        if length % 2:
            database.execute("DELETE FROM note WHERE rowid % 3 = 1")
    database.close()
    assert len(places) > 100
    assert all(place % 4 == 0 for place in places)


def test_one_connection_at_a_time_and_one_name() -> None:
    device = ByteDevice(TearingMemory(SIZE))
    database = ChipDatabase(device)
    database.execute("CREATE TABLE note(text)")
    for name in ("chip.db", "other.db"):
        with pytest.raises(apsw.CantOpenError):
            apsw.Connection(name, vfs=database._vfs.vfs_name)
    database.close()


def test_a_full_area_is_told_and_nothing_is_lost() -> None:
    database = ChipDatabase(ByteDevice(TearingMemory(SIZE)))
    database.execute("CREATE TABLE note(text); INSERT INTO note VALUES('kept')")
    with pytest.raises(apsw.FullError):
        database.execute("INSERT INTO note VALUES(zeroblob(100000))")
    assert database.execute("SELECT text FROM note").get == "kept"
    assert database.execute("PRAGMA integrity_check").get == "ok"
    database.close()


def test_a_gap_behind_the_end_of_a_file_reads_as_zeros() -> None:
    memory = TearingMemory(SIZE)
    memory.write(0, b"\xee" * SIZE)
    memory.write(0, bytes(1024))
    vfs = ChipVFS(ByteDevice(memory), "gap")
    file = vfs.xOpen("chip.db", [0, 0])
    file.xWrite(b"end", 100)
    assert file.xRead(200, 0) == bytes(100) + b"end"
    assert file.xFileSize() == 103
    file.xTruncate(50)
    assert file.xRead(200, 40) == bytes(10)
    vfs.unregister()


def test_sizes_are_kept_at_sync_in_two_copies() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    device = ByteDevice(memory)
    vfs = ChipVFS(device, "sizes")
    file = vfs.xOpen("chip.db", [0, 0])
    for length in (512, 1024, 1536):
        file.xWrite(bytes(512), length - 512)
        file.xSync(0)
    file.xWrite(bytes(512), 1536)  # not synced
    vfs.unregister()
    assert reopened_sizes(device)[0] == 1536
    memory.write(512, b"\xaa" * 32)  # the newer copy, sequence 3
    assert reopened_sizes(device)[0] == 1024
    memory.write(0, b"\xaa" * 32)
    with pytest.raises(InputError, match="no database"):
        ChipVFS(device, "none")


def reopened_sizes(device: ByteDevice) -> list[int | None]:
    """Sizes of the files, as found anew."""
    vfs = ChipVFS(device, "again")
    vfs.unregister()
    return vfs.sizes


@pytest.mark.parametrize("blank", [b"\x00", b"\xff"])
def test_a_blank_device_has_no_files(blank: bytes) -> None:
    memory = TearingMemory(SIZE)
    memory.write(0, blank * SIZE)
    assert reopened_sizes(ByteDevice(memory)) == [None, None, None]


def test_data_of_the_database_beyond_correction_are_an_error_never_zeros() -> None:
    memory = TearingMemory(SIZE, code_word=16)
    device = ByteDevice(memory)
    database = ChipDatabase(device)
    database.execute("CREATE TABLE note(text); INSERT INTO note VALUES(zeroblob(3000))")
    database.close()
    memory._bad[(1024 + 2048) // 16] = True
    database = ChipDatabase(device)
    with pytest.raises(apsw.IOError):
        list(database.execute("SELECT hex(text) FROM note"))
    database.close()


@pytest.mark.parametrize(
    ("size", "code_word", "message"), [(2048, 4, "too small"), (SIZE, 24, "code word")]
)
def test_devices_that_cannot_hold_a_database(size: int, code_word: int, message: str) -> None:
    device = ByteDevice(TearingMemory(SIZE), size=size, code_word=code_word)
    with pytest.raises(InputError, match=message):
        ChipVFS(device, "refused")


def test_an_unknown_journal_mode_is_refused() -> None:
    with pytest.raises(InputError, match="journal mode"):
        ChipDatabase(ByteDevice(TearingMemory(SIZE)), "never")
