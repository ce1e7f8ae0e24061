"""Devices as C calls them: no exception leaves, a failure is a negative error number.

A C library that calls back into Python cannot carry an exception: its binding prints it, drops it
and may take it for success. Numbers are those of Linux, which littlefs uses too.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from tantala.base.errors import InputError
from tantala.chip.block_device import ERASED, BlockDevice, ByteDevice
from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError

CODES: tuple[tuple[type[Exception], int], ...] = (
    (UncorrectableError, -errno.EILSEQ),  # -84, LFS_ERR_CORRUPT: a file system may look elsewhere
    (PowerLost, -errno.EIO),
    (ProtectedError, -errno.EROFS),
    (InputError, -errno.EINVAL),
)


def error_code(error: Exception) -> int:
    """The negative error number of `error`; EIO for whatever is not of the chip."""
    return next((code for kind, code in CODES if isinstance(error, kind)), -errno.EIO)


class _Guard:
    """Calls that keep the first failure and answer with its number."""

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def _guarded(self, call: Callable[..., Any], *values: Any) -> Any:
        try:
            answer = call(*values)
        except Exception as error:  # whatever it is, C must get a number
            self.failure = self.failure or error
            return error_code(error)
        return 0 if answer is None else answer

    def raise_failure(self) -> None:
        """Raise the first failure since the last call of this, if there was any."""
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure


class BlockCallbacks(_Guard):
    """The calls of a `BlockDevice`: bytes or 0 when fine, else a negative error number."""

    def __init__(self, device: BlockDevice) -> None:
        super().__init__()
        self.device = device

    def read(self, block: int, offset: int, length: int) -> bytes | int:
        return self._guarded(self.device.read, block, offset, length)

    def salvage(self, block: int, offset: int, length: int) -> tuple[bytes, list[int]] | int:
        return self._guarded(self.device.salvage, block, offset, length)

    def program(self, block: int, offset: int, data: bytes) -> int:
        return self._guarded(self.device.program, block, offset, data)

    def erase(self, block: int) -> int:
        return self._guarded(self.device.erase, block)

    def sync(self) -> int:
        return self._guarded(self.device.sync)


class ByteCallbacks(_Guard):
    """The calls of a `ByteDevice`: bytes or 0 when fine, else a negative error number."""

    def __init__(self, device: ByteDevice) -> None:
        super().__init__()
        self.device = device

    def read(self, offset: int, length: int) -> bytes | int:
        return self._guarded(self.device.read, offset, length)

    def write(self, offset: int, data: bytes) -> int:
        return self._guarded(self.device.write, offset, data)

    def sync(self) -> int:
        return self._guarded(self.device.sync)

    def heal(self, offset: int, length: int) -> int:
        return self._guarded(self.device.heal, offset, length)

    def size(self) -> int:
        return self.device.size


class LittlefsContext(_Guard):
    """A `BlockDevice` as the context of littlefs-python: `LittleFS(context=c, **c.geometry)`.

    littlefs-python (0.19) has no way to report a failed read: it takes the bytes it gets. What
    cannot be read is therefore FF, unit by unit, which the checksums of littlefs's own records
    reject but the contents of a file do not carry: call `raise_failure` after each operation.
    """

    def __init__(self, device: BlockDevice) -> None:
        super().__init__()
        self.device = device
        self.geometry = {
            "block_size": device.block_size,
            "block_count": device.block_count,
            "read_size": device.program_size,
            "prog_size": device.program_size,
            "cache_size": device.block_size,
        }

    def read(self, cfg: object, block: int, offset: int, length: int) -> bytes:
        answer = self._guarded(self.device.salvage, block, offset, length)
        if isinstance(answer, int):
            return bytes([ERASED]) * length
        data, bad = answer
        if bad and self.failure is None:
            self.failure = UncorrectableError(self.device.address(block, bad[0]))
        return data

    def prog(self, cfg: object, block: int, offset: int, data: bytes) -> int:
        return self._guarded(self.device.program, block, offset, data)

    def erase(self, cfg: object, block: int) -> int:
        return self._guarded(self.device.erase, block)

    def sync(self, cfg: object) -> int:
        return self._guarded(self.device.sync)
