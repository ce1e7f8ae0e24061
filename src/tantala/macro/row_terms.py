"""Terms on which published chips are compared, from the library's method item `silicon_rows`."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from tantala.base.binding import bind, quantity
from tantala.base.errors import InputError, unknown
from tantala.base.library import load_item


@dataclass(frozen=True)
class Unpublished:
    """What stands in where a publication is silent."""

    high_supply: float = quantity("V", "input and output supply", minimum=0)
    word: float = quantity("bit", "word of a serial chip", minimum=1)
    parallel: float = quantity("bit", "bits of a word that are pulsed together", minimum=1)
    cycles: float = quantity("1", "writes before the read", minimum=1)
    time: float = quantity("s", "age at which a read must succeed", minimum=0)
    temperature: float = quantity("K", "temperature of that age", minimum=0)
    junction: float = quantity("K", "junction temperature of the comparison", minimum=0)
    uber: float = quantity("1", "uncorrectable bit error rate to which sensing is set", minimum=0)
    clock: float = quantity("Hz", "read clock of a serial chip", minimum=0)


@dataclass(frozen=True)
class Terms:
    """Bands of agreement as factors, by figure; aims of the search, by name; and stand-ins."""

    bands: dict[str, float]
    aims: dict[str, dict[str, float]]
    unpublished: Unpublished

    def aim(self, name: str) -> dict[str, float]:
        """The weights of an aim. Raises InputError for an unknown one."""
        if name not in self.aims:
            raise InputError(unknown("aim of a published row", name, self.aims))
        return self.aims[name]


@functools.cache
def terms() -> Terms:
    """The library's terms of comparison."""
    item = load_item("method", "silicon_rows")
    bands, aims = {}, {}
    for path in item.numbers:
        table, _, name = path.partition(".")
        if table == "bands":
            bands[name] = item.value(path, "1")
        elif table == "aims":
            aim, _, figure = name.partition(".")
            aims.setdefault(aim, {})[figure] = item.value(path, "1")
    return Terms(bands, aims, bind(Unpublished, item, "unpublished"))
