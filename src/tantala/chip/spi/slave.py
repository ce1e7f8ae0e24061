"""An SPI slave: the commands of a face, window by window, in front of a memory."""

from __future__ import annotations

from collections.abc import Callable

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.chip.errors import PowerLost, ProtectedError
from tantala.chip.spi.array import UNDRIVEN, SerialMemory, read_available, write_available
from tantala.chip.spi.face import Command, Face, load_face
from tantala.chip.spi.sfdp import table
from tantala.chip.spi.window import Window

WIP, WEL = 0x01, 0x02
REGISTER = "spi_status"
LONGEST = 1 << 24  # bytes of a window in each direction, as much as serprog can ask for
_ERASED_TOGETHER = 1 << 16  # bytes handed to the memory at once
_IDENTITY_PAGE = 256  # bytes; its first are the identity, the others are assumed FF


def undriven(count: int) -> bytes:
    """Bytes read from a bus that nobody drives."""
    return bytes([UNDRIVEN]) * count


class Slave:
    """A serial memory chip on a bus.

    Simulated time is that of the bus: SPI clocks at `clock` [Hz], and `pause` [s] after each window
    for what the master does in between (0: it does nothing). The memory's clock follows. A write or
    erase starts when chip select rises and lasts as long as the memory says; until the bus's clock
    has passed it, WIP reads 1 and every command but RDSR is ignored.

    Nobody drives the bus, so that zeros are read, without power, asleep, while busy, at unknown
    commands and at words that the memory has lost.

    windows: chip-select windows so far. lost: words that could not be read. write_protect: whether
    the pin for write protection is low. enabled: WEL. busy: s until WIP falls.

    Raises InputError for a memory that cannot have this face.
    """

    def __init__(self, memory: SerialMemory, face: Face | str) -> None:
        self.face = load_face(face) if isinstance(face, str) else face
        self.part = self.face.part(memory.size)
        self.memory = memory
        self.clock = self.part.clock
        self.pause = 0.0
        self.windows = self.lost = 0
        self.write_protect = False
        self._actions = self._known_actions()
        reads_table = any(c.action == "read_sfdp" for c in self.face.commands.values())
        self._sfdp = table(self.face, self.part) if reads_table else b""
        self._ahead = 0.0  # s by which the memory's clock is ahead of the bus's
        self._seen = memory.time
        self._bits = max((self.part.size - 1).bit_length(), 1)
        self.reset()
        if REGISTER in memory.registers:
            memory.protect(*self.protected)

    def _known_actions(self) -> dict[str, Callable[[Window, Command], bytes]]:
        actions = {
            "write_enable": self._write_enable,
            "write_disable": self._write_disable,
            "read_status": self._read_status,
            "write_status": self._write_status,
            "read": self._read,
            "write": self._write,
            "erase": self._erase,
            "erase_all": self._erase_all,
            "read_identity": self._read_identity,
            "read_identity_page": self._read_identity_page,
            "read_unique": self._read_unique,
            "read_sfdp": self._read_sfdp,
            "sleep": self._sleep,
            "resume": self._resume,
        }
        raise_if(
            [
                unknown("action", command.action, actions, f"{self.face.name}: {command.name}")
                for command in self.face.commands.values()
                if command.action not in actions
            ]
        )
        return actions

    def reset(self) -> None:
        """What power-up leaves: no write enabled, none running, awake."""
        self.enabled = False
        self.busy = 0.0
        self._busy_before = 0.0
        self._waking = 0.0
        self._asleep: Command | None = None

    @property
    def time(self) -> float:
        """The bus's clock, s, counted as the memory counts its own."""
        return self.memory.time - self._ahead

    @property
    def _stored(self) -> int:
        """The non-volatile bits of the status register."""
        return self.memory.registers.get(REGISTER, 0) & self.face.status.writable

    @property
    def status(self) -> int:
        """The status register as it stands."""
        return self._stored | (WEL if self.enabled else 0) | (WIP if self.busy > 0.0 else 0)

    @property
    def protected(self) -> tuple[int, int]:
        """(first, last + 1) bytes that the status register protects; (0, 0) for none."""
        return self.face.status.protected(self._stored, self.part.size)

    def set_clock(self, frequency: float) -> float:
        """Clock the bus at `frequency` [Hz], or at the part's highest; which one it is."""
        if not frequency > 0.0:
            raise InputError(Problem("bad clock", got=f"{frequency} Hz", allowed="above 0 Hz"))
        self.clock = min(float(frequency), self.part.clock)
        return self.clock

    def idle(self, seconds: float) -> None:
        """Let time pass between two windows."""
        self._outside()
        self._pass(seconds)

    def transfer(self, sent: bytes, receive: int = 0) -> bytes:
        """One window of chip select: the master sends, then reads `receive` bytes.

        Raises InputError for a window above 16 MiB; whatever the bytes, the answer is as long as
        asked for.
        """
        if not 0 <= receive <= LONGEST or len(sent) > LONGEST:
            got = f"{len(sent)} sent, {receive} received"
            raise InputError(Problem("bad window", got=got, allowed=f"0 to {LONGEST} bytes each"))
        window = Window(sent, receive)
        self.windows += 1
        self._outside()
        if not self.memory.powered:
            self.reset()
            return undriven(receive)
        self._busy_before, waking = self.busy, self._waking
        self._pass(8 * len(window) / self.clock)
        try:
            answer = self._answer(window) if waking <= 0.0 else undriven(receive)
        except PowerLost:
            self.reset()
            self._seen = self.memory.time
            return undriven(receive)
        if self.pause:
            self._pass(self.pause)
        return answer

    def _answer(self, window: Window) -> bytes:
        command = None if window.opcode is None else self.face.commands.get(window.opcode)
        if self._asleep is not None:
            if not self._asleep.resume or (command and command.action == "resume"):
                self._asleep, self._waking = None, self.face.wake_time
            return undriven(window.receive)
        if command is None or (self._busy_before > 0.0 and command.action != "read_status"):
            return undriven(window.receive)
        return self._actions[command.action](window, command)

    # Time

    def _outside(self) -> None:
        """Take in time that the memory spent elsewhere: with other clients, or in a drawer."""
        self._wear_off(self.memory.time - self._seen)
        self._seen = self.memory.time

    def _pass(self, seconds: float) -> None:
        self._wear_off(seconds)
        self._ahead -= seconds
        if self._ahead < 0.0:
            self.memory.wait(-self._ahead)
            self._ahead = 0.0
        self._seen = self.memory.time

    def _wear_off(self, seconds: float) -> None:
        if self.busy > 0.0 and seconds > 0.0:
            self.busy = max(self.busy - seconds, 0.0)
            if self.busy == 0.0:
                self.enabled = False
        self._waking = max(self._waking - max(seconds, 0.0), 0.0)

    def _own_time(self) -> None:
        """The memory has worked for us: its clock is ahead of the bus's by that."""
        self._ahead += self.memory.time - self._seen
        self._seen = self.memory.time

    def _begin(self, seconds: float) -> None:
        self.busy = seconds
        self.enabled = seconds > 0.0

    # Commands

    def _address(self, window: Window) -> int | None:
        """The address with the bits above the memory's ignored; None where it is incomplete."""
        number = window.number(1, self.part.address)
        return None if number is None else number & ((1 << self._bits) - 1)

    def _write_enable(self, window: Window, command: Command) -> bytes:
        self.enabled = self.enabled or len(window) == 1
        return undriven(window.receive)

    def _write_disable(self, window: Window, command: Command) -> bytes:
        self.enabled = self.enabled and len(window) != 1
        return undriven(window.receive)

    def _read_status(self, window: Window, command: Command) -> bytes:
        """Status again and again, each as it stands when its first bit is put out."""
        _, skipped, count = window.shown(1)
        polls = self._busy_before * self.clock / 8.0 - 1.0 - skipped
        still = min(max(int(-(-polls // 1)), 0), count)
        now = self._stored | (WEL if self.enabled and not self._busy_before > 0.0 else 0)
        return bytes([self._stored | WEL | WIP]) * still + bytes([now]) * (count - still)

    def _write_status(self, window: Window, command: Command) -> bytes:
        rules, value = self.face.status, window.number(1, 1)
        locked = self.write_protect and self.status & rules.lock
        if value is not None and len(window) == 2 and self.enabled and not locked:
            self.memory.registers[REGISTER] = value & rules.writable
            self.memory.protect(*self.protected)
            self._begin(rules.write_time)
        return undriven(window.receive)

    def _read(self, window: Window, command: Command) -> bytes:
        address = self._address(window)
        lead, skipped, count = window.shown(1 + self.part.address + command.dummy)
        if address is None or address >= self.part.size:
            return undriven(window.receive)
        return undriven(lead) + self._stream((address + skipped) % self.part.size, count)

    def _stream(self, address: int, count: int) -> bytes:
        """Bytes from `address` on; after the last byte comes the first."""
        parts = []
        while count:
            length = min(count, self.part.size - address)
            data, lost = read_available(self.memory, address, length)
            parts.append(data)
            self.lost += lost
            address, count = 0, count - length
        self._own_time()
        return b"".join(parts)

    def _write(self, window: Window, command: Command) -> bytes:
        """The last page of the bytes sent, wrapped within the page of the address."""
        address, page = self._address(window), self.part.page
        dropped, data = window.written(1 + self.part.address, page)
        if address is None or not data:
            return undriven(window.receive)
        first = address // page * page
        at = (address + dropped) % page
        kept = page - at
        if len(data) == page:
            pieces = [(first, data[kept:] + data[:kept])]
        else:
            pieces = [(first + at, data[:kept]), (first, data[kept:])]
        self._store([(start, part) for start, part in pieces if part])
        return undriven(window.receive)

    def _erase(self, window: Window, command: Command) -> bytes:
        address, size = self._address(window), command.size or self.part.page
        if address is not None and len(window) == 1 + self.part.address:
            first = address // size * size
            self._fill(first, min(first + size, self.part.size))
        return undriven(window.receive)

    def _erase_all(self, window: Window, command: Command) -> bytes:
        if len(window) == 1:
            self._fill(0, self.part.size)
        return undriven(window.receive)

    def _fill(self, first: int, last: int) -> None:
        value, step = bytes([self.face.erased]), _ERASED_TOGETHER
        ends = range(first, last, step)
        self._store([(start, value * (min(start + step, last) - start)) for start in ends])

    def _store(self, pieces: list[tuple[int, bytes]]) -> None:
        """Write all of it, or nothing where some of it is protected or beyond the end."""
        low, high = self.protected
        for start, data in pieces:
            if start >= self.part.size or (start < high and start + len(data) > low):
                return
        if not self.enabled or not pieces:
            return
        try:
            taken = sum(write_available(self.memory, start, data) for start, data in pieces)
        except ProtectedError:
            return
        finally:
            self._own_time()
        self._begin(taken)

    def _read_identity(self, window: Window, command: Command) -> bytes:
        return self._constant(window, 1 + command.dummy, self.part.identity)

    def _read_identity_page(self, window: Window, command: Command) -> bytes:
        content = self.part.identity.ljust(_IDENTITY_PAGE, b"\xff")
        return self._constant_at(window, command, content)

    def _read_unique(self, window: Window, command: Command) -> bytes:
        unique = self.memory.unique_id
        own = unique[: len(unique) - len(self.part.identity)]
        return self._constant(window, 1 + command.dummy, self.part.identity + own)

    def _read_sfdp(self, window: Window, command: Command) -> bytes:
        return self._constant_at(window, command, self._sfdp)

    def _constant_at(self, window: Window, command: Command, content: bytes) -> bytes:
        """Bytes of `content` from an address on, around and around."""
        number = window.number(1, self.part.address)
        lead, skipped, count = window.shown(1 + self.part.address + command.dummy)
        if number is None:
            return undriven(window.receive)
        start = (number + skipped) % len(content)
        turns = -(-(start + count) // len(content))
        return undriven(lead) + (content * turns)[start : start + count]

    def _constant(self, window: Window, first: int, content: bytes) -> bytes:
        """Bytes of `content`, once."""
        lead, skipped, count = window.shown(first)
        return undriven(lead) + content[skipped : skipped + count].ljust(count, undriven(1))

    def _sleep(self, window: Window, command: Command) -> bytes:
        if len(window) == 1:
            self._asleep = command
        return undriven(window.receive)

    def _resume(self, window: Window, command: Command) -> bytes:
        return undriven(window.receive)
