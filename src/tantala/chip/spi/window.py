"""One chip-select window: bytes clocked in, then bytes clocked out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """`sent` by the master, which then reads `receive` bytes and sends zeros meanwhile.

    The slave sees one stream of both: where a master counts a dummy byte among what it receives, or
    goes on clocking after a command, the result is the hardware's.
    """

    sent: bytes
    receive: int

    def __len__(self) -> int:
        return len(self.sent) + self.receive

    @property
    def opcode(self) -> int | None:
        """The first byte; None in an empty window."""
        return self.sent[0] if self.sent else (0 if self.receive else None)

    def number(self, first: int, count: int) -> int | None:
        """`count` bytes from `first` on, most significant first; None where the window is shorter.

        `first`, `count`: positions in the stream.
        """
        if len(self) < first + count:
            return None
        return int.from_bytes(self.sent[first : first + count].ljust(count, b"\0"), "big")

    def written(self, first: int, most: int) -> tuple[int, bytes]:
        """(how many were dropped, the rest) of the bytes from `first` on: the last `most` of them.

        What a write buffer of `most` bytes holds of a longer stream.
        """
        count = max(len(self) - first, 0)
        dropped = max(count - most, 0)
        data = self.sent[first + dropped :]
        return dropped, data.ljust(count - dropped, b"\0")

    def shown(self, first: int) -> tuple[int, int, int]:
        """(lead, skipped, count) of a slave that puts data out from position `first` on.

        The master receives `lead` bytes before them, then `count` bytes that begin after `skipped`.
        """
        lead = min(max(first - len(self.sent), 0), self.receive)
        return lead, max(len(self.sent) - first, 0), self.receive - lead
