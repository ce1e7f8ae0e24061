"""An SQLite database in a chip, through apsw, an optional library: `pip install tantala[sqlite]`.

    from tantala.chip.sqlite_vfs import ChipDatabase
    database = ChipDatabase(ByteDevice(chip), journal="wal")

A byte device has no files; this lays out the three that a database needs: the database itself, its
rollback journal and its write-ahead log. Their sizes stand in a record kept twice, each copy in a
unit of its own that a torn write cannot share; the copies are written in turn.
"""

from __future__ import annotations

import errno
import itertools
import struct
import zlib
from collections.abc import Sequence
from typing import Any, cast

from tantala.base.errors import InputError, Problem
from tantala.chip.block_device import ByteDevice
from tantala.chip.callbacks import ByteCallbacks
from tantala.chip.errors import UncorrectableError

try:
    import apsw
except ModuleNotFoundError as absent:
    raise InputError(
        Problem("SQLite needs the library apsw", hint="pip install 'tantala[sqlite]'")
    ) from absent

SUFFIXES = ("", "-journal", "-wal")
# SQLite writes whole multiples of 4 bytes at multiples of 4: pages, WAL headers of 32 and 24 bytes,
# journal records of a page and two words (https://sqlite.org/fileformat2.html, 1.2, 3 and 4).
WRITE_UNIT = 4
SECTOR = 512  # SQLite's smallest sector
LARGEST_SECTOR = 65536
DATABASE = 0  # index in SUFFIXES
# Amount and offset of the read of the header by which SQLite opens a database, before it rolls a
# journal back: a torn first page must not keep it from doing so (sqlite3PagerReadFileheader).
FIRST_LOOK = (100, 0)

_numbers = itertools.count()
_RECORD = struct.Struct("<4sI3II")  # magic, sequence, three sizes, checksum
_MAGIC = b"tSQL"
_ABSENT = 0xFFFFFFFF


class ChipDatabase(apsw.Connection):
    """The database of `device`, opened so that what is committed outlives any power cut.

    `journal`: "delete", "persist", "truncate" or "wal". `page_size` [bytes] of a new database: the
    smallest by default, since a chip that is written byte by byte gains nothing from a larger one.

    Raises InputError as `ChipVFS` does, and what SQLite raises (`apsw.Error`).
    """

    def __init__(
        self,
        device: ByteDevice,
        journal: str = "delete",
        *,
        page_size: int = 512,
        database: str = "chip.db",
    ) -> None:
        self._vfs = ChipVFS(device, f"tantala-{next(_numbers)}", database=database)
        super().__init__(database, vfs=self._vfs.vfs_name)
        if journal == "wal":
            self._pragma("locking_mode=EXCLUSIVE")
        self._pragma(f"page_size={page_size}")
        self._pragma("synchronous=FULL")
        found = self._pragma(f"journal_mode={journal}")
        if found != [(journal,)]:
            raise InputError(
                Problem(
                    "unknown journal mode",
                    "journal",
                    got=repr(journal),
                    allowed="delete, persist, truncate, wal",
                )
            )
        # After a cut SQLite goes on right behind the last transaction of its log, in the same code
        # word if that is a wide one; so the log is emptied before anything is added to it.
        self._pragma("wal_checkpoint(TRUNCATE)")

    def close(self, force: bool = False) -> None:
        super().close(force)
        self._vfs.unregister()

    def _pragma(self, text: str) -> list[Any]:
        return list(self.execute(f"PRAGMA {text}"))


class ChipVFS(apsw.VFS):
    """An SQLite VFS named `name` over `device`: `apsw.Connection(database, vfs=name)`.

    It holds one database, open once at a time; half of the device is for the database, a quarter
    each for its journal and its write-ahead log. Python gives SQLite no shared memory, so WAL needs
    `PRAGMA locking_mode=EXCLUSIVE` first.

    SQLite is told that a power cut leaves the neighbours of a write intact
    (SQLITE_IOCAP_POWERSAFE_OVERWRITE) only where no write of SQLite's ends inside a code word of
    the device. A code word of the journals that cannot be corrected, as a cut leaves it, reads as
    00: their records carry checksums. One of the database is an error, never 00.

    Raises InputError if the device is too small, holds something else, or has code words of no
    power of two.
    """

    def __init__(self, device: ByteDevice, name: str, *, database: str = "chip.db") -> None:
        word = device.code_word
        if word > LARGEST_SECTOR or word & (word - 1):
            found, allowed = f"{word} bytes", f"a power of two up to {LARGEST_SECTOR}"
            raise InputError(Problem("no code word for SQLite", got=found, allowed=allowed))
        self.device = device
        self.calls = ByteCallbacks(device)
        self.sector = max(SECTOR, word)
        self.powersafe_overwrite = WRITE_UNIT % word == 0
        self.files = {database + suffix: index for index, suffix in enumerate(SUFFIXES)}
        self.areas = _areas(device.size, self.sector)
        self._open = False
        self._sequence, self.sizes = self._load()
        self._stored = list(self.sizes)
        self.vfs_name = name
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:  # a temporary file never needs to outlive the power
            return apsw.VFSFile("", None, flags)
        index = self.files.get(str(path))
        if index is None or (index == 0 and self._open):
            raise apsw.CantOpenError(f"only {next(iter(self.files))}, once at a time, not {path}")
        if self.sizes[index] is None:
            self.sizes[index] = 0
        self._open = self._open or index == 0
        return cast(apsw.VFSFile, _ChipFile(self, index))  # apsw asks for its methods only

    def xFullPathname(self, name: str) -> str:
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:
        index = self.files.get(pathname)
        return index is not None and self.sizes[index] is not None

    def xDelete(self, filename: str, syncdir: bool) -> None:
        index = self.files.get(filename)
        if index is None or self.sizes[index] is None:
            raise apsw.exception_for(apsw.SQLITE_IOERR_DELETE_NOENT)
        self.sizes[index] = None
        self.store()

    def store(self) -> None:
        """Drain the device, then keep the sizes of the files."""
        _require(self.calls.sync(), apsw.SQLITE_IOERR_FSYNC)
        if self.sizes == self._stored:
            return
        self._sequence += 1
        sizes = [_ABSENT if size is None else size for size in self.sizes]
        body = struct.pack("<4sI3I", _MAGIC, self._sequence, *sizes)
        record = body + struct.pack("<I", zlib.crc32(body))
        record += bytes(-len(record) % self.device.code_word)  # whole code words can be rewritten
        place = self._sequence % 2 * self.sector
        _require(self.calls.write(place, record), apsw.SQLITE_IOERR_WRITE)
        _require(self.calls.sync(), apsw.SQLITE_IOERR_FSYNC)
        self._stored = list(self.sizes)

    def closed(self, index: int) -> None:
        """A file was closed."""
        self._open = self._open and index != 0

    def _load(self) -> tuple[int, list[int | None]]:
        """Sequence number and sizes of the newer whole record; no files on a blank device."""
        copies = [self._copy(index) for index in (0, 1)]
        whole = [copy for copy in copies if isinstance(copy, tuple)]
        if whole:
            return max(whole, key=lambda copy: copy[0])
        if "blank" in copies:  # fresh, or cut during its very first record
            return 0, [None] * len(SUFFIXES)
        raise InputError(
            Problem(
                "no database of this chip",
                "byte device",
                because="neither copy of the record of its files is whole",
                hint="fill the first two sectors with 00 to begin anew",
            )
        )

    def _copy(self, index: int) -> tuple[int, list[int | None]] | str:
        """Sequence and sizes of one copy of the record, or "blank", or "torn"."""
        try:
            record = self.device.read(index * self.sector, _RECORD.size)
        except UncorrectableError:
            return "torn"
        magic, sequence, *sizes, checksum = _RECORD.unpack(record)
        if magic == _MAGIC and checksum == zlib.crc32(record[:-4]):
            return sequence, [None if size == _ABSENT else size for size in sizes]
        return "blank" if not record.strip(b"\x00") or not record.strip(b"\xff") else "torn"


class _ChipFile:
    """One open file; the methods are those of SQLite's sqlite3_io_methods."""

    def __init__(self, vfs: ChipVFS, index: int) -> None:
        self._vfs = vfs
        self._index = index
        self._base, self._room = vfs.areas[index]

    def xRead(self, amount: int, offset: int) -> bytes:
        length = max(0, min(amount, self.xFileSize() - offset))
        data = self._vfs.calls.read(self._base + offset, length)
        if data == -errno.EILSEQ and self._index != DATABASE:
            _require(self._vfs.calls.heal(self._base + offset, length), apsw.SQLITE_IOERR_READ)
            data = self._vfs.calls.read(self._base + offset, length)
        elif data == -errno.EILSEQ and (amount, offset) == FIRST_LOOK:
            data = bytes(amount)
        if isinstance(data, int):
            raise apsw.exception_for(apsw.SQLITE_IOERR_READ)
        return data

    def xWrite(self, data: bytes, offset: int) -> None:
        end = offset + len(data)
        if end > self._room:
            raise apsw.FullError(f"a file of {end} bytes; its area has {self._room}")
        size = self.xFileSize()
        if offset > size:  # what lies between was never written, and reads as zeros
            data, offset = bytes(offset - size) + bytes(data), size
        if self._index != DATABASE:
            self._heal_edges(offset, end)
        _require(self._vfs.calls.write(self._base + offset, bytes(data)), apsw.SQLITE_IOERR_WRITE)
        self._vfs.sizes[self._index] = max(size, end)

    def _heal_edges(self, start: int, end: int) -> None:
        """Make code words that a write covers in part writable."""
        for edge in {start, end - 1} if start < end else ():
            if (start if edge == start else end) % self._vfs.device.code_word:
                _require(self._vfs.calls.heal(self._base + edge, 1), apsw.SQLITE_IOERR_WRITE)

    def xTruncate(self, newsize: int) -> None:
        self._vfs.sizes[self._index] = min(newsize, self.xFileSize())

    def xSync(self, flags: int) -> None:
        self._vfs.store()

    def xFileSize(self) -> int:
        return self._vfs.sizes[self._index] or 0

    def xSectorSize(self) -> int:
        return self._vfs.sector

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE if self._vfs.powersafe_overwrite else 0

    def xLock(self, level: int) -> None:
        """One connection at a time needs no locks."""

    def xUnlock(self, level: int) -> None:
        """One connection at a time needs no locks."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xClose(self) -> None:
        self._vfs.closed(self._index)


def _areas(size: int, sector: int) -> Sequence[tuple[int, int]]:
    """Start and length [bytes] of the three files, whole sectors behind the two records."""
    left = size // sector - 2
    if left < 4:
        raise InputError(
            Problem(
                "too small for a database",
                got=f"{size} bytes",
                allowed=f"{6 * sector} bytes up, in sectors of {sector}",
            )
        )
    quarter = left // 4
    lengths = [left - 2 * quarter, quarter, quarter]
    starts = [2, 2 + lengths[0], 2 + lengths[0] + quarter]
    return [
        (start * sector, length * sector) for start, length in zip(starts, lengths, strict=True)
    ]


def _require(code: int, error: int) -> None:
    """Raise SQLite's error of that extended code for a negative error number."""
    if code < 0:
        raise apsw.exception_for(error)
