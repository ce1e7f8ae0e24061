"""The embedded face: a ReRAM controller as firmware of an nRF54L microcontroller meets it.

Lines of 128 bits, a write buffer of up to 32 of them, and the rules of its commit. Sources, keys of
library/sources.bib: `nordic_rramc` (offsets, fields, values after reset, "Buffered RRAM write") and
`zephyr_117724` (the timeout as a cause of a commit). Where they are silent, what is done here is an
assumption:

- the buffer's area begins at the line of the first byte stored, and it is full when every byte of
  the area has been stored; several bytes stored in one line are one write of the line;
- a change of CONFIG leaves what the buffer holds; a new size counts from the next area on, and a
  store without a buffer first commits what an earlier setting has left in it;
- a store that is not allowed is a bus fault beside the event ACCESSERROR;
- ECC.ERRORADDR is FFFFFF after reset and keeps the first address;
- the controller is ready at once after reset and after WAKEUP;
- ERASEALL sets all bits, and drops what the buffer holds;
- the controller's clock is 128 MHz.

Firmware waits while the controller works, so READY and READYNEXT always read as ready. Left out:
regions and their rights, power modes, interrupts, subscriptions.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NoReturn

from tantala.base.errors import InputError, Problem, TantalaError, unknown
from tantala.chip.device import Memory
from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError

LINE = 16  # bytes: 128 bits per word line (datasheet, RRAMC configuration table)
MOST_LINES = 32  # of the write buffer (same table)
CLOCK = 128e6  # Hz, assumption
NO_ADDRESS = 0x00FFFFFF  # ACCESSERRORADDR after reset; addresses have 24 bits
ERASE_PART = 1 << 16  # bytes written at a time by ERASEALL


class Register(IntEnum):
    """Offsets of the registers modelled."""

    TASKS_WAKEUP = 0x000
    TASKS_CLRWRITEBUF = 0x004
    TASKS_COMMITWRITEBUF = 0x008
    EVENTS_WOKENUP = 0x100
    EVENTS_READY = 0x104
    EVENTS_READYNEXT = 0x108
    EVENTS_ACCESSERROR = 0x10C
    READY = 0x400
    READYNEXT = 0x404
    ACCESSERRORADDR = 0x408
    BUFSTATUS_WRITEBUFEMPTY = 0x418
    ECC_ERRORADDR = 0x420
    CONFIG = 0x500
    READYNEXTTIMEOUT = 0x50C
    ERASE_ERASEALL = 0x540


EVENTS = frozenset(
    (
        Register.EVENTS_WOKENUP,
        Register.EVENTS_READY,
        Register.EVENTS_READYNEXT,
        Register.EVENTS_ACCESSERROR,
    )
)
TASKS = frozenset(
    (
        Register.TASKS_WAKEUP,
        Register.TASKS_CLRWRITEBUF,
        Register.TASKS_COMMITWRITEBUF,
        Register.ERASE_ERASEALL,
    )
)
AFTER_RESET = {
    **dict.fromkeys(Register, 0),
    Register.READY: 1,
    Register.READYNEXT: 1,
    Register.ACCESSERRORADDR: NO_ADDRESS,
    Register.ECC_ERRORADDR: NO_ADDRESS,
    Register.READYNEXTTIMEOUT: 0x80,  # 128 cycles, not enabled
}
WRITE_ENABLE = 1  # CONFIG, bit 0
SIZE_SHIFT, SIZE_MASK = 8, 0x3F  # CONFIG, bits 13:8: lines of the write buffer, 0 for none
TIMEOUT_ENABLE, TIMEOUT_MASK = 1 << 31, 0xFFF  # READYNEXTTIMEOUT, bits 31 and 11:0


class BusFault(TantalaError):
    """An access that the controller refuses. `address`: its first byte."""

    def __init__(self, address: int, why: str, hint: str) -> None:
        self.address = address
        super().__init__(Problem(why, f"address 0x{address:x}", hint=hint))


class _Buffer:
    """Bytes that wait for their commit: an area of whole lines, and which of it was stored."""

    def __init__(self, first: int, lines: int) -> None:
        self.first = first  # address
        self.data = bytearray(LINE * lines)
        self.stored = bytearray(LINE * lines)  # 1 where it was

    def holds(self, address: int) -> bool:
        """Whether the address lies in the area."""
        return 0 <= address - self.first < len(self.data)

    def put(self, address: int, part: bytes) -> bool:
        """Take bytes; returns whether the area is full."""
        start = address - self.first
        self.data[start : start + len(part)] = part
        self.stored[start : start + len(part)] = b"\1" * len(part)
        return 0 not in self.stored

    def touches(self, address: int, length: int) -> bool:
        """Whether any line of a range has bytes in the buffer."""
        start = max((address - self.first) // LINE * LINE, 0)
        end = -(-(address + length - self.first) // LINE) * LINE
        return start < end and 1 in self.stored[start:end]

    def stretches(self) -> list[tuple[int, int]]:
        """Spans of stored bytes within lines that follow each other, offsets in the area."""
        lines = bytes(1 in self.stored[at : at + LINE] for at in range(0, len(self.stored), LINE))
        spans = []
        for run in re.finditer(b"\1+", lines):
            first, end = LINE * run.start(), LINE * run.end()
            spans.append((self.stored.find(1, first), self.stored.rfind(1, first, end) + 1))
        return spans


class RramController:
    """Registers and a bus on a memory.

    `store` and `load` are what a processor's stores and loads do, `write_register` and
    `read_register` what it does at the controller's own addresses. Every commit is one write of the
    memory for each stretch of lines. What the buffer holds is lost with the power: call `reset`
    when it comes back.
    """

    def __init__(self, memory: Memory, clock: float = CLOCK) -> None:
        """`clock`: Hz, the unit of READYNEXTTIMEOUT."""
        self._memory = memory
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Power-on: registers as after reset, nothing in the buffer."""
        self._registers: dict[int, int] = {int(r): value for r, value in AFTER_RESET.items()}
        self._buffer: _Buffer | None = None
        self._deadline = float("inf")  # s of simulated time

    def read_register(self, offset: int) -> int:
        """The 32-bit value at an offset; 0 for a task. Raises InputError for one not here."""
        register = _register(offset)
        self._observe_timeout()
        if register == Register.BUFSTATUS_WRITEBUFEMPTY:
            return int(self._buffer is None)
        return self._registers[register]

    def write_register(self, offset: int, value: int) -> None:
        """Write a 32-bit value at an offset; a read-only register stays as it is.

        Raises InputError for a register that is not here or a value that it cannot take, and what
        `store` raises where it starts a commit.
        """
        register = _register(offset)
        if not 0 <= value < 1 << 32:
            raise InputError(Problem("not a 32-bit value", register.name, str(value)))
        self._observe_timeout()
        if register in TASKS:
            if value & 1:
                self._trigger(register)
        elif register in EVENTS:
            self._registers[register] = value & 1
        elif register == Register.CONFIG:
            lines = value >> SIZE_SHIFT & SIZE_MASK
            if lines > MOST_LINES:
                raise InputError(
                    Problem("WRITEBUFSIZE", "CONFIG", str(lines), f"0 to {MOST_LINES} lines")
                )
            self._registers[register] = value & (WRITE_ENABLE | SIZE_MASK << SIZE_SHIFT)
        elif register == Register.READYNEXTTIMEOUT:
            self._registers[register] = value & (TIMEOUT_ENABLE | TIMEOUT_MASK)
            self._restart_timeout()

    def load(self, address: int, length: int) -> bytes:
        """Read bytes; a line that waits in the buffer is committed first.

        Raises BusFault beyond the end, UncorrectableError, PowerLost.
        """
        self._observe_timeout()
        self._inside(address, length)
        if self._buffer and self._buffer.touches(address, length):
            self._commit()
        return self._read(address, length)

    def store(self, address: int, data: bytes, width: int = 4) -> None:
        """Write bytes in rising order, as a copying loop does with accesses of `width` bytes.

        Without a buffer (WRITEBUFSIZE 0) each access is one write of the memory, and wears its
        line. With one, the memory is written at commits only.

        Raises BusFault where writes are not enabled, beyond the end or protected; from a commit
        UncorrectableError (a line stored in part whose rest is lost; the buffer keeps its bytes)
        and PowerLost. InputError for a width that no bus has.
        """
        if width not in (1, 2, 4, 8):
            raise InputError(Problem("width of an access", got=str(width), allowed="1, 2, 4, 8"))
        self._observe_timeout()
        self._inside(address, len(data))
        if not self._registers[Register.CONFIG] & WRITE_ENABLE:
            self._refuse(address, "writes are not enabled", "CONFIG.WEN = 1")
        lines = self._registers[Register.CONFIG] >> SIZE_SHIFT & SIZE_MASK
        if not lines:
            self._commit()
        unit = LINE if lines else width
        end = address + len(data)
        for start in range(address // unit * unit, end, unit):
            first, last = max(start, address), min(start + unit, end)
            part = data[first - address : last - address]
            if lines:
                self._buffered(first, part, lines)
            else:
                self._write(first, part)
        self._registers[Register.EVENTS_READYNEXT] = 1
        self._restart_timeout()

    def wait(self, seconds: float) -> None:
        """Let simulated time pass; a READYNEXT timeout that ends in it commits the buffer."""
        due = self._deadline - self._memory.time
        if due <= seconds:
            self._memory.wait(max(due, 0.0))
            self._observe_timeout()
            seconds -= max(due, 0.0)
        self._memory.wait(seconds)

    def _buffered(self, address: int, part: bytes, lines: int) -> None:
        """Take bytes of one line into the buffer."""
        if self._buffer and not self._buffer.holds(address):
            self._commit()
        if not self._buffer:
            self._buffer = _Buffer(address // LINE * LINE, lines)
        if self._buffer.put(address, part):
            self._commit()

    def _trigger(self, task: Register) -> None:
        if task == Register.TASKS_COMMITWRITEBUF:
            self._commit()
        elif task == Register.TASKS_WAKEUP:
            self._registers[Register.EVENTS_WOKENUP] = 1
        else:
            self._buffer = None
        if task == Register.ERASE_ERASEALL:
            for start in range(0, self._memory.size, ERASE_PART):
                self._write(start, b"\xff" * min(ERASE_PART, self._memory.size - start))
            self._registers[Register.EVENTS_READY] = 1

    def _commit(self) -> None:
        """Write what the buffer holds; the memory itself leaves unchanged bits alone."""
        buffer = self._buffer
        if buffer is None:
            return
        for start, end in buffer.stretches():
            data, stored = buffer.data[start:end], buffer.stored[start:end]
            if 0 in stored:
                # One write for each line: what was not stored between is written as it stands.
                old = self._read(buffer.first + start, end - start)
                for at in range(end - start):
                    data[at] = data[at] if stored[at] else old[at]
            self._write(buffer.first + start, bytes(data))
        self._buffer = None
        self._registers[Register.EVENTS_READY] = 1

    def _read(self, address: int, length: int) -> bytes:
        try:
            return self._memory.read(address, length)
        except UncorrectableError as error:
            self._note_uncorrectable(error)
            raise
        except PowerLost:
            self.reset()
            raise

    def _write(self, address: int, data: bytes) -> None:
        try:
            self._memory.write(address, data)
        except UncorrectableError as error:
            self._note_uncorrectable(error)
            raise
        except PowerLost:
            self.reset()
            raise
        except ProtectedError as error:
            self._refuse(error.address, "a write to a protected block", "lift the protection")

    def _note_uncorrectable(self, error: UncorrectableError) -> None:
        if self._registers[Register.ECC_ERRORADDR] == NO_ADDRESS:
            self._registers[Register.ECC_ERRORADDR] = error.address

    def _inside(self, address: int, length: int) -> None:
        if address < 0 or length < 1 or address + length > self._memory.size:
            self._refuse(
                address, f"{length} bytes beyond the memory", f"0 to 0x{self._memory.size - 1:x}"
            )

    def _refuse(self, address: int, why: str, hint: str) -> NoReturn:
        """An access error; the address of the first one stays until its event is cleared."""
        if not self._registers[Register.EVENTS_ACCESSERROR]:
            self._registers[Register.EVENTS_ACCESSERROR] = 1
            self._registers[Register.ACCESSERRORADDR] = address & NO_ADDRESS
        raise BusFault(address, why, hint)

    def _restart_timeout(self) -> None:
        given = self._registers[Register.READYNEXTTIMEOUT]
        cycles = given & TIMEOUT_MASK if given & TIMEOUT_ENABLE else float("inf")
        self._deadline = self._memory.time + cycles / self._clock

    def _observe_timeout(self) -> None:
        """Commit what has waited for the next store for too long."""
        if self._memory.time >= self._deadline:
            self._deadline = float("inf")
            self._commit()


def _register(offset: int) -> Register:
    try:
        return Register(offset)
    except ValueError:
        names = [f"0x{int(register):x} {register.name}" for register in Register]
        raise InputError(unknown("register", f"0x{offset:x}", names)) from None
