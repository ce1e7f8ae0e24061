"""What can go wrong with a chip in use."""

from __future__ import annotations

from tantala.base.errors import Problem, TantalaError


class UncorrectableError(TantalaError):
    """Data beyond the code's power. `address`: first byte of the first such word."""

    def __init__(self, address: int, words: int = 1) -> None:
        self.address = address
        self.words = words
        super().__init__(
            Problem(
                "data beyond what the code corrects",
                f"address 0x{address:x}",
                f"{words} word{'s' if words > 1 else ''}",
                hint="read other addresses, or write these anew",
            )
        )


class PowerLost(TantalaError):
    """The power failed during this operation, or is off."""

    def __init__(self) -> None:
        super().__init__(Problem("the chip has no power", hint="power_on()"))


class ProtectedError(TantalaError):
    """A write to what is protected. `address`: first byte of it."""

    def __init__(self, address: int) -> None:
        self.address = address
        super().__init__(
            Problem(
                "a write to a protected block",
                f"address 0x{address:x}",
                hint="lift the protection first",
            )
        )


class ImageError(TantalaError):
    """A saved chip that cannot be loaded: torn, foreign, or of another version."""

    exit_code = 2
