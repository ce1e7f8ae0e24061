"""The library's bibliography: a strict reader of `library/sources.bib`.

A BibTeX subset, one field a line: enough for our own file, so that showing a number's source needs
no further dependency.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from tantala.base.errors import InputError, Problem

_ENTRY = re.compile(r"^@(\w+)\{\s*([^,\s]+)\s*,\s*$")
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\}\s*,?\s*$")


@dataclass(frozen=True)
class Source:
    """One entry of the bibliography."""

    key: str
    kind: str
    fields: dict[str, str]

    def __str__(self) -> str:
        """The entry as one line: author, title, where, year, link."""
        get = self.fields.get
        parts = [get("author", ""), get("title", "")]
        parts.append(get("journal") or get("booktitle") or get("publisher") or "")
        parts += [get("howpublished", ""), get("year", "")]
        if get("doi"):
            parts.append(f"doi:{get('doi')}")
        elif get("url"):
            parts.append(get("url", ""))
        parts.append(get("note", ""))
        return ". ".join(part.replace("{", "").replace("}", "") for part in parts if part)


def read_bibliography(path: Path) -> dict[str, Source]:
    """The entries of a BibTeX file by key. Raises InputError at the first line it cannot read."""
    sources: dict[str, Source] = {}
    current: Source | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        if entry := _ENTRY.match(line):
            if entry[2] in sources:
                raise InputError(Problem("source key written twice", where, entry[2]))
            current = Source(entry[2], entry[1].lower(), {})
            sources[current.key] = current
        elif line.strip() == "}":
            current = None
        elif current is not None and (field := _FIELD.match(line)):
            current.fields[field[1].lower()] = field[2].strip()
        else:
            raise InputError(
                Problem("not a BibTeX line", where, repr(line), "one 'name = {text},' a line")
            )
    return sources


@functools.cache
def library_sources() -> dict[str, Source]:
    """The shipped bibliography."""
    return read_bibliography(Path(__file__).parent.parent / "library" / "sources.bib")
