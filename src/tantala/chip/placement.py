"""From the addresses of a trace to those of a chip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem

FOLDS = ("refuse", "modulo", "first_touch")
PAGE = 4096  # bytes that are placed together at their first touch: the page of most processors
Addresses = NDArray[np.int64]


class Placement:
    """Places addresses within `size` bytes, batch after batch.

    fold: "refuse" takes them as they are and raises InputError for one beyond the chip; "modulo"
    takes their rest; "first_touch" gives each page of 4 KiB the next free place, as an operating
    system may, and raises InputError when there is none left.
    """

    def __init__(self, size: int, fold: str, name: str) -> None:
        self.size = size
        self.fold = fold
        self.name = name
        self._pages = np.empty(0, np.int64)  # sorted
        self._places = np.empty(0, np.int64)

    def __call__(self, address: Addresses, size: Addresses) -> Addresses:
        """Addresses of requests on the chip; `size`: their bytes."""
        if self.fold == "modulo":
            placed = address % self.size
        elif self.fold == "first_touch":
            placed = self._touched(address // PAGE) * PAGE + address % PAGE
        else:
            placed = address
        beyond = np.flatnonzero(size > self.size - placed)  # a sum might overflow
        if len(beyond):
            raise InputError(self._beyond(int(address[beyond[0]]), int(size[beyond[0]])))
        return placed

    def _touched(self, pages: Addresses) -> Addresses:
        """Places of pages, new ones in the order of their first touch."""
        touched, first, of = np.unique(pages, return_index=True, return_inverse=True)
        known = np.isin(touched, self._pages, assume_unique=True)
        fresh = touched[~known][np.argsort(first[~known], kind="stable")]
        places = np.arange(len(self._pages), len(self._pages) + len(fresh))
        every = np.concatenate([self._pages, fresh])
        order = np.argsort(every, kind="stable")
        self._pages = every[order]
        self._places = np.concatenate([self._places, places])[order]
        if len(self._pages) * PAGE > self.size:
            what, got = "the trace needs more than the chip holds", f"{len(self._pages)} pages"
            allowed = f"{self.size // PAGE} pages of {PAGE} bytes"
            hint = "fold modulo, or a larger chip"
            raise InputError(Problem(what, self.name, got, allowed, hint=hint))
        return self._places[np.searchsorted(self._pages, touched)][of]

    def _beyond(self, address: int, size: int) -> Problem:
        return Problem(
            "a request beyond the chip",
            self.name,
            f"{size} bytes at 0x{address:x}",
            f"0 to 0x{self.size - 1:x}",
            hint="fold modulo or first_touch" if self.fold == "refuse" else "",
        )
