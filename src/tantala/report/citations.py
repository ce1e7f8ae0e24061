"""The bibliography of a datasheet: the sources of every number behind it."""

from __future__ import annotations

from collections.abc import Iterable

from tantala.base.bibliography import library_sources, read_bibliography
from tantala.base.record import KINDS, Item
from tantala.report.page import CitedSource


def cited(items: Iterable[Item]) -> tuple[CitedSource, ...]:
    """The sources of all numbers and tables of `items`, most used first, with counts by kind."""
    known = dict(library_sources())
    counts: dict[str, dict[str, int]] = {}
    for item in items:
        own = item.path.parent / "sources.bib"
        if own.is_file():
            known = {**read_bibliography(own), **known}
        for entry in (*item.numbers.values(), *item.tables.values()):
            by_kind = counts.setdefault(entry.source, dict.fromkeys(KINDS, 0))
            by_kind[entry.kind] += 1
    ranked = sorted(counts, key=lambda key: (-sum(counts[key].values()), key))
    return tuple(
        CitedSource(
            key,
            str(known[key]).replace(".. ", ". ") if key in known else key,
            {kind: count for kind, count in counts[key].items() if count},
        )
        for key in ranked
    )
