"""Numbers and layouts of NBD (`nbd_protocol` in library/sources.bib); all big endian."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag

GREETING_MAGIC = 0x4E42444D41474943  # "NBDMAGIC"
OPTION_MAGIC = 0x49484156454F5054  # "IHAVEOPT"
OPTION_REPLY_MAGIC = 0x0003E889045565A9
REQUEST_MAGIC = 0x25609513
REPLY_MAGIC = 0x67446698

GREETING = struct.Struct(">QQH")  # magic, option magic, handshake flags
CLIENT_FLAGS = struct.Struct(">I")
OPTION = struct.Struct(">QII")  # magic, option, length of its data
OPTION_REPLY = struct.Struct(">QIII")  # magic, option, type, length of its data
EXPORT = struct.Struct(">QH")  # bytes of the export, transmission flags
REQUEST = struct.Struct(">IHHQQI")  # magic, flags, command, cookie, offset, length
REPLY = struct.Struct(">IIQ")  # magic, error, cookie

# The answer to EXPORT_NAME ends with these zeros, unless both sides have agreed to leave them out.
EXPORT_PADDING = bytes(124)


class Handshake(IntFlag):
    """Flags of the greeting; the client answers with the same two bits."""

    FIXED_NEWSTYLE = 1
    NO_ZEROES = 2


class Option(IntEnum):
    """What a client may ask for during the handshake and is answered with more than "unknown"."""

    EXPORT_NAME = 1
    ABORT = 2
    LIST = 3
    INFO = 6
    GO = 7


class OptionReply(IntEnum):
    """Types of answers to an option."""

    ACK = 1
    SERVER = 2
    INFO = 3
    UNSUPPORTED = 2**31 + 1
    INVALID = 2**31 + 3
    UNKNOWN_EXPORT = 2**31 + 6


class Info(IntEnum):
    """Kinds of information in an answer to INFO and GO."""

    EXPORT = 0
    NAME = 1
    BLOCK_SIZE = 3


class Transmission(IntFlag):
    """What an export can do."""

    HAS_FLAGS = 1
    SEND_FLUSH = 4
    SEND_FUA = 8
    SEND_TRIM = 32
    SEND_WRITE_ZEROES = 64
    CAN_MULTI_CONN = 256


class Command(IntEnum):
    """Requests that are carried out."""

    READ = 0
    WRITE = 1
    DISCONNECT = 2
    FLUSH = 3
    TRIM = 4
    WRITE_ZEROES = 6


class CommandFlag(IntFlag):
    """Flags of a request."""

    FUA = 1
    NO_HOLE = 2


class Error(IntEnum):
    """Errors of a reply."""

    NONE = 0
    EPERM = 1
    EIO = 5
    EINVAL = 22
