"""What a face or a file system needs of a chip; tests put other memories behind the same faces."""

from __future__ import annotations

from typing import Any, Protocol


class Memory(Protocol):
    """A byte-alterable memory with a simulated clock."""

    @property
    def size(self) -> int:
        """Bytes of user data."""
        ...

    @property
    def time(self) -> float:
        """Simulated time, s; grows with every operation."""
        ...

    def read(self, address: int, length: int) -> bytes:
        """Raises UncorrectableError, PowerLost; InputError beyond the end."""
        ...

    def write(self, address: int, data: bytes) -> Any:
        """Returns an `Operation`. Raises PowerLost, ProtectedError; InputError beyond the end."""
        ...

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        ...
