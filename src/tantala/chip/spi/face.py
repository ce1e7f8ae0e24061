"""A command set of serial memories: a library file of opcodes, parts and status bits."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tantala.base.errors import InputError, Problem
from tantala.base.library import load_item
from tantala.base.record import Item

ADDRESS_BYTES = (2, 3)  # fewest and most, of parts whose file leaves it to their size


@dataclass(frozen=True)
class Command:
    """One opcode. `action`: what a slave does at it (see `Slave`); `dummy`: bytes between address
    and data; `size`: bytes that it erases, None for a page; `resume`: whether sleep ends at the
    command of that action only, not at any pulse of chip select.
    """

    name: str
    opcode: int
    action: str
    dummy: int
    size: int | None
    resume: bool


@dataclass(frozen=True)
class Part:
    """One product. `size`, `page`: bytes; `address`: bytes of an address; `clock`: highest, Hz."""

    name: str
    size: int
    page: int
    address: int
    clock: float
    identity: bytes


@dataclass(frozen=True)
class Status:
    """Bits of the status register beside WIP (0) and WEL (1).

    writable: mask of the non-volatile bits. lock: the one that, with the pin for write protection
    low, makes them read-only. protect: mask of two adjacent bits BP; `shares`: of the array, from
    its top, that their values 0 to 3 protect. write_time: s that writing the register takes.
    """

    writable: int
    lock: int
    protect: int
    shares: tuple[float, ...]
    write_time: float

    def protected(self, status: int, size: int) -> tuple[int, int]:
        """(first, last + 1) bytes that a status value protects; (0, 0) for none."""
        low = self.protect & -self.protect
        share = self.shares[(status & self.protect) // low]
        return (size - int(size * share), size) if share else (0, 0)


@dataclass(frozen=True)
class Face:
    """A command set. `erased`: value of erased bytes; `wake_time`: s from the end of sleep to the
    first command; both only where there are such commands.
    """

    item: Item
    commands: dict[int, Command]
    status: Status
    erased: int
    wake_time: float

    @property
    def name(self) -> str:
        """The library's name."""
        return self.item.name

    def part(self, size: int) -> Part:
        """The part with so many bytes; else `other` of the file, or the largest that fits.

        Raises InputError where no part suits.
        """
        stated = {
            path.split(".")[1]: int(self.item.value(path, "byte"))
            for path in self.item.numbers
            if path.startswith("parts.") and path.endswith(".size")
        }
        for name, own in stated.items():
            if own == size:
                return self._part(name, size)
        if self.item.has("parts.other"):
            return self._part("other", size)
        fitting = [name for name, own in stated.items() if own <= size]
        if not fitting:
            raise InputError(
                Problem(
                    "the memory is too small for this face",
                    f"face {self.name}",
                    f"{size} bytes",
                    f"{min(stated.values())} bytes or more",
                )
            )
        largest = max(fitting, key=stated.__getitem__)
        return self._part(largest, stated[largest])

    def _part(self, name: str, size: int) -> Part:
        item, prefix = self.item, f"parts.{name}"
        page = int(item.value(f"{prefix}.page", "byte"))
        if item.has(f"{prefix}.address"):
            address = int(item.value(f"{prefix}.address", "1"))
        else:
            fewest, most = ADDRESS_BYTES
            address = fewest if size <= 256**fewest else most
        if not 0 < size <= 256**address or size % page:
            raise InputError(
                Problem(
                    "a memory of this size cannot have this face",
                    f"face {self.name}",
                    f"{size} bytes",
                    f"a multiple of {page} bytes up to {256**address}",
                )
            )
        identity = f"{prefix}.identity"
        return Part(
            name=name,
            size=size,
            page=page,
            address=address,
            clock=item.value(f"{prefix}.clock", "Hz"),
            identity=_bytes(item, identity) if item.has(identity) else b"",
        )


@functools.cache
def load_face(name: str) -> Face:
    """A face by its library name or the path of a file. Raises InputError."""
    item = load_item("face", name)
    return Face(
        item=item,
        commands=_commands(item),
        status=Status(
            writable=int(item.value("status.writable", "1")),
            lock=int(item.value("status.lock", "1")),
            protect=int(item.value("status.protect", "1")),
            shares=_values(item, "status.protected_share"),
            write_time=item.value("status.write_time", "s"),
        ),
        erased=int(item.value("erased", "1")) if item.has("erased") else 0,
        wake_time=item.value("sleep.wake_time", "s") if item.has("sleep.wake_time") else 0.0,
    )


def _commands(item: Item) -> dict[int, Command]:
    commands = {}
    for path in item.texts:
        head, _, last = path.rpartition(".")
        if not head.startswith("commands.") or last != "action":
            continue
        opcode = int(item.value(f"{head}.opcode", "1"))
        size = f"{head}.size"
        commands[opcode] = Command(
            name=head.removeprefix("commands."),
            opcode=opcode,
            action=item.texts[path],
            dummy=int(item.texts.get(f"{head}.dummy", 0)),
            size=int(item.value(size, "byte")) if item.has(size) else None,
            resume=item.texts.get(f"{head}.wake") == "resume",
        )
    return commands


def _values(item: Item, path: str) -> tuple[float, ...]:
    value = item.number(path).to("1")
    return value if isinstance(value, tuple) else (value,)


def _bytes(item: Item, path: str) -> bytes:
    return bytes(int(value) for value in _values(item, path))
