"""Random sessions for an NBD port, and a judge of what comes back.

The judge knows the protocol and the memory's content, not the server: every reply must be one that
`doc/proto.md` allows to the next option or request sent, data read must be what was acknowledged
before, and after the client's last byte the session must end. Closing is always allowed.
"""

from __future__ import annotations

import random
import socket
import struct

from nbd_client import (
    ACK,
    EINVAL,
    EIO,
    EPERM,
    EXPORT_NAME,
    GO,
    GREETING,
    INFO,
    INFORMATION,
    LIST,
    READ,
    SERVER,
    WRITE,
    WRITE_ZEROES,
    question,
)
from stand_in_memories import PlainMemory

from tantala.chip.errors import PowerLost, ProtectedError, UncorrectableError

SIZE = 1 << 16
LOST, PROTECTED, DARK = 0xC000, 0xD000, 0xE000  # from here on: lost words, protection, no power


class PatchyMemory(PlainMemory):
    """Its last quarter fails in three ways, 4 KiB each; the rest is plain."""

    def __init__(self) -> None:
        super().__init__(SIZE)

    def read(self, address: int, length: int) -> bytes:
        if address < PROTECTED and address + length > LOST:
            raise UncorrectableError(max(address, LOST))
        self._alight(address, length)
        return super().read(address, length)

    def write(self, address: int, data: bytes) -> None:
        if address < DARK and address + len(data) > PROTECTED:
            raise ProtectedError(max(address, PROTECTED))
        self._alight(address, len(data))
        super().write(address, data)

    def _alight(self, address: int, length: int) -> None:
        if address < DARK + 4096 and address + length > DARK:
            raise PowerLost


OPTIONS = (0, EXPORT_NAME, 2, LIST, 4, 5, INFO, GO, 8, 9, 10, 11, 255, 2**31, 2**32 - 1)
COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 0x7FFF, 0xFFFF)
OFFSETS = (
    0,
    1,
    511,
    4096,
    LOST - 1,
    LOST,
    PROTECTED,
    DARK,
    SIZE - 1,
    SIZE,
    2**32,
    2**63,
    2**64 - 1,
)
LENGTHS = (0, 1, 2, 16, 511, 512, 4096, SIZE - 1, SIZE, SIZE + 1, 1 << 20, 33 << 20, 2**32 - 1)


def an_input(draw: random.Random) -> bytes:
    """All bytes of one client."""
    kind = draw.randrange(6)
    if kind == 0:
        return draw.randbytes(draw.randrange(600))
    if kind == 1:
        return struct.pack(">I", draw.choice((0, 1, 2, 3))) + draw.randbytes(draw.randrange(600))
    data = struct.pack(">I", draw.choice((1, 3, 3, 3)))
    data += b"".join(_option(draw) for _ in range(draw.randrange(4)))
    if kind > 2:
        data += b"IHAVEOPT" + struct.pack(">II", GO, 6) + question()
        data += b"".join(_request(draw) for _ in range(draw.randrange(1, 8)))
    return _mutated(draw, data) if draw.random() < 0.5 else data


def _option(draw: random.Random) -> bytes:
    number = draw.choice(OPTIONS) if draw.random() < 0.9 else draw.getrandbits(32)
    data = draw.choice((b"", question(), question(b"", 3), question(b"x", 0, 1, 2), b"\0" * 6))
    if draw.random() < 0.3:
        data = draw.randbytes(draw.randrange(64))
    length = len(data) if draw.random() < 0.9 else draw.choice((*LENGTHS, len(data) + 1))
    return b"IHAVEOPT" + struct.pack(">II", number, length) + data


def _request(draw: random.Random) -> bytes:
    command = draw.choice(COMMANDS) if draw.random() < 0.4 else draw.choice((READ, WRITE))
    flags = draw.choice((0, 0, 0, 1, 2, 3, 4, 16, 0x8000))
    offset = draw.choice(OFFSETS) if draw.random() < 0.5 else draw.randrange(SIZE)
    length = draw.choice(LENGTHS[:7] if draw.random() < 0.8 else LENGTHS)
    cookie = draw.getrandbits(64)
    payload = b""
    if command == WRITE:
        payload = draw.randbytes(min(length, SIZE + 1))
        if draw.random() < 0.1:
            payload = payload[: draw.randrange(len(payload) + 1)]
    return struct.pack(">IHHQQI", 0x25609513, flags, command, cookie, offset, length) + payload


def _mutated(draw: random.Random, data: bytes) -> bytes:
    """One accident: a bit flipped, bytes lost, doubled or put in."""
    where, end = (draw.randrange(len(data) + 1) for _ in range(2))
    changed = bytearray(data)
    match draw.randrange(5):
        case 0:
            changed[where % len(data)] ^= 1 << draw.randrange(8)
        case 1:
            del changed[where:]
        case 2:
            del changed[where : where + draw.randrange(40)]
        case 3:
            changed[where:where] = data[end : end + draw.randrange(600)]
        case 4:
            changed[where:where] = draw.randbytes(draw.randrange(40))
    return bytes(changed)


class Judge:
    """Talks to a port, and follows the memory's content by what was acknowledged."""

    def __init__(self, port: int, memory: PlainMemory, patience: float = 20.0) -> None:
        """`patience`: s of wall time after which a session that does not end is a hang."""
        self.port = port
        self.memory = memory
        self.patience = patience
        self.content = bytearray(memory.content)
        self.options = self.requests = self.resets = 0

    def try_input(self, sent: bytes, pieces: int = 1) -> None:
        """Send it in pieces and check what comes back.

        Raises AssertionError; TimeoutError for a hang.
        """
        received, reset = self.exchange(sent, pieces)
        answers = _Answers(received, reset)
        if answers.expect(GREETING):
            self._follow(sent, answers)
        assert answers.rest() == b"", "bytes that answer nothing"
        if reset:
            # What was acknowledged last may have been lost with the connection.
            self.resets += 1
            self.content[:] = self.memory.content
        assert self.content == self.memory.content, "the memory holds what nobody acknowledged"

    def exchange(self, sent: bytes, pieces: int = 1) -> tuple[bytes, bool]:
        """All that comes back, and whether the connection was reset."""
        received = bytearray()
        length = max(1, -(-len(sent) // pieces))
        with socket.create_connection(("127.0.0.1", self.port), timeout=self.patience) as client:
            try:
                for at in range(0, len(sent), length):
                    client.sendall(sent[at : at + length])
                client.shutdown(socket.SHUT_WR)
                while part := client.recv(1 << 18):
                    received += part
            except (ConnectionError, OSError) as error:
                if isinstance(error, TimeoutError):
                    raise
                return bytes(received), True
        return bytes(received), False

    def _follow(self, sent: bytes, answers: _Answers) -> None:
        """Walk through what was sent, and see that each answer is one to it."""
        no_zeroes = len(sent) >= 4 and sent[3] & 2
        at = 4
        while answers.more():
            header = sent[at : at + 16]
            assert header[:8] == b"IHAVEOPT", "an answer to no option"
            number, length = struct.unpack(">II", header[8:])
            at += 16 + length
            assert at <= len(sent), "an answer to half an option"
            self.options += 1
            if number == EXPORT_NAME:
                answers.expect(struct.pack(">Q", SIZE))
                answers.take(2 if no_zeroes else 126)
                break
            if self._option_answered(number, answers) == ACK and number == GO:
                break
        while answers.more():
            at = self._request_answered(sent, at, answers)

    def _option_answered(self, number: int, answers: _Answers) -> int:
        while True:
            header = answers.take(20)
            if len(header) < 20:
                return 0
            magic, option, kind, length = struct.unpack(">QIII", header)
            assert (magic, option) == (0x3E889045565A9, number), "an answer to another option"
            content = answers.take(length)
            assert kind in (ACK, SERVER, INFORMATION) or 2**31 < kind < 2**31 + 10
            assert kind != SERVER or number == LIST
            assert kind != INFORMATION or number in (INFO, GO)
            if kind == INFORMATION and content[:2] == b"\0\0":
                assert content[2:10] == struct.pack(">Q", SIZE)
            if kind not in (SERVER, INFORMATION):
                return kind

    def _request_answered(self, sent: bytes, at: int, answers: _Answers) -> int:
        """Returns where the next request starts."""
        header = sent[at : at + 28]
        assert len(header) == 28, "an answer to no request"
        magic, _, command, cookie, offset, length = struct.unpack(">IHHQQI", header)
        assert magic == 0x25609513, "an answer to no request"
        at += 28
        payload = sent[at : at + length] if command == WRITE else bytes(min(length, SIZE))
        if command == WRITE:
            at += length
            assert at <= len(sent), "an answer to half a request"
        reply = answers.take(16)
        if len(reply) < 16:
            return at
        theirs, error, named = struct.unpack(">IIQ", reply)
        assert (theirs, named) == (0x67446698, cookie), "an answer to another request"
        assert error in (0, EPERM, EIO, EINVAL)
        assert error or command in (0, 1, 3, 4, 6), "an unknown command carried out"
        inside = offset + length <= SIZE
        assert error or inside, "a request beyond the end carried out"
        self.requests += 1
        if not error and command == READ:
            data = answers.take(length)
            assert data == self.content[offset : offset + len(data)], "wrong data"
        if not error and command in (WRITE, WRITE_ZEROES):
            self.content[offset : offset + length] = payload
        return at


class _Answers:
    """What came back, taken from the front; short only where the connection was reset."""

    def __init__(self, data: bytes, cut: bool) -> None:
        self._data = data
        self._at = 0
        self._cut = cut

    def more(self) -> bool:
        return self._at < len(self._data)

    def rest(self) -> bytes:
        return self._data[self._at :]

    def take(self, length: int) -> bytes:
        part = self._data[self._at : self._at + length]
        assert self._cut or len(part) == length, "half an answer"
        self._at += len(part)
        return part

    def expect(self, content: bytes) -> bool:
        """Whether it was there whole."""
        part = self.take(len(content))
        assert part == content[: len(part)], "wrong content"
        return len(part) == len(content)
