"""The handshake: options one after another, until the client goes, aborts or misbehaves."""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass

from tantala.chip.nbd import wire
from tantala.chip.nbd.wire import Info, Option, OptionReply

# A name has at most 4096 bytes by the protocol; twice that also holds every list of questions.
LONGEST_OPTION = 8192
PREFERRED_BLOCK = 4096  # bytes; what file systems use, and a multiple of every page of the chips
LARGEST_REQUEST = 32 << 20  # bytes; what a client may send that was told no limit (proto.md)

# One cache serves all connections, so one client's flush covers the writes of all.
FLAGS = (
    wire.Transmission.HAS_FLAGS
    | wire.Transmission.SEND_FLUSH
    | wire.Transmission.SEND_FUA
    | wire.Transmission.SEND_TRIM
    | wire.Transmission.SEND_WRITE_ZEROES
    | wire.Transmission.CAN_MULTI_CONN
)

Send = Callable[[bytes], None]


@dataclass(frozen=True)
class Export:
    """What a client sees: a name and a size in bytes. The empty name means it too."""

    name: str
    size: int

    def named(self, name: bytes) -> bool:
        """Whether a client that asks for `name` means this export."""
        return name in (b"", self.name.encode())


def negotiate(export: Export, send: Send) -> Generator[int, bytes, bool]:
    """Yields how many bytes it waits for; returns whether the transmission starts.

    After False the session is to be closed: the client aborted, asked by EXPORT_NAME for an export
    that is not there (no error can be told then), or broke the protocol.
    """
    ours = int(wire.Handshake.FIXED_NEWSTYLE | wire.Handshake.NO_ZEROES)
    send(wire.GREETING.pack(wire.GREETING_MAGIC, wire.OPTION_MAGIC, ours))
    (theirs,) = wire.CLIENT_FLAGS.unpack((yield wire.CLIENT_FLAGS.size))
    if theirs & ~ours:
        return False
    while True:
        magic, option, length = wire.OPTION.unpack((yield wire.OPTION.size))
        if magic != wire.OPTION_MAGIC or length > LONGEST_OPTION:
            return False
        data = yield length
        if option == Option.EXPORT_NAME:
            if export.named(data):
                send(wire.EXPORT.pack(export.size, FLAGS))
                send(b"" if theirs & wire.Handshake.NO_ZEROES else wire.EXPORT_PADDING)
            return export.named(data)
        last = _answer(export, option, data, send)
        if option == Option.ABORT:
            return False
        if option == Option.GO and last == OptionReply.ACK:
            return True


def _answer(export: Export, option: int, data: bytes, send: Send) -> OptionReply:
    """Answer any option but EXPORT_NAME; returns the closing reply."""

    def reply(kind: OptionReply, content: bytes = b"") -> None:
        header = wire.OPTION_REPLY.pack(wire.OPTION_REPLY_MAGIC, option, kind, len(content))
        send(header + content)

    last = OptionReply.UNSUPPORTED
    if option == Option.ABORT:
        last = OptionReply.ACK
    elif option == Option.LIST:
        last = OptionReply.INVALID if data else OptionReply.ACK
        if not data:
            name = export.name.encode()
            reply(OptionReply.SERVER, struct.pack(">I", len(name)) + name)
    elif option in (Option.INFO, Option.GO):
        asked = _asked(data)
        if asked is None:
            last = OptionReply.INVALID
        elif not export.named(asked[0]):
            last = OptionReply.UNKNOWN_EXPORT
        else:
            last = OptionReply.ACK
            for content in _information(export, asked[1]):
                reply(OptionReply.INFO, content)
    reply(last)
    return last


def _asked(data: bytes) -> tuple[bytes, tuple[int, ...]] | None:
    """The name and the kinds of information that INFO or GO ask for; None if malformed."""
    if len(data) < 6:
        return None
    (length,) = struct.unpack_from(">I", data)
    if length > len(data) - 6:
        return None
    (count,) = struct.unpack_from(">H", data, 4 + length)
    if len(data) != 6 + length + 2 * count:
        return None
    return data[4 : 4 + length], struct.unpack_from(f">{count}H", data, 6 + length)


def _information(export: Export, kinds: tuple[int, ...]) -> Generator[bytes, None, None]:
    """The export and its block sizes, always; the name where asked for."""
    yield struct.pack(">H", Info.EXPORT) + wire.EXPORT.pack(export.size, FLAGS)
    sizes = (1, PREFERRED_BLOCK, LARGEST_REQUEST)
    yield struct.pack(">HIII", Info.BLOCK_SIZE, *sizes)
    if Info.NAME in kinds:
        yield struct.pack(">H", Info.NAME) + export.name.encode()
