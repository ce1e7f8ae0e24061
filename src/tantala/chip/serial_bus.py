"""What the commands of a serial chip take on its bus, one command at a time."""

from __future__ import annotations

from dataclasses import dataclass

from tantala.base.errors import InputError, Problem
from tantala.chip.spi.face import load_face
from tantala.macro.design import Design


@dataclass(frozen=True)
class SerialBus:
    """Times on the bus of a serial chip, s.

    read: of a read before its first byte: command, address and dummy clocks. write: of a write
    before its first byte: write enable, command and address. byte: of a byte of data. page: bytes
    that one write takes at most, within a page; 0 where there is no bus.
    """

    read: float
    write: float
    byte: float
    page: int


DIRECT = SerialBus(0.0, 0.0, 0.0, 0)


def serial_bus(design: Design) -> SerialBus:
    """The bus of a design's interface, with the commands of its face; DIRECT for a macro.

    Commands are clocked on one line, addresses, dummies and data on all lines of the interface.

    Raises:
        InputError: a face that has no read and write, or does not suit the design's size.
    """
    interface = design.interface
    if interface is None:
        return DIRECT
    face = load_face(interface.face)
    dummies = {
        action: [command.dummy for command in face.commands.values() if command.action == action]
        for action in ("read", "write", "write_enable")
    }
    missing = [action for action, found in dummies.items() if not found]
    if missing:
        raise InputError(
            Problem("the face lacks commands", f"face {face.name}", allowed=", ".join(missing))
        )
    address = face.part(design.capacity // 8).address
    command, byte = 8.0 / interface.clock, 8.0 / (interface.clock * interface.lines)
    return SerialBus(
        read=command + (address + min(dummies["read"])) * byte,
        write=2.0 * command + address * byte,
        byte=byte,
        page=interface.page // 8,
    )
