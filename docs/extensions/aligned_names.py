"""Docstrings' aligned lists, a name and its meaning two or more spaces apart, as definition lists.

In the code such a list reads best with the meanings in one column; reStructuredText would see
indentation errors in it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

ENTRY = re.compile(r"(?P<names>\w+(?:, \w+)*) {2,}(?P<meaning>\S.*)")
NAMES = re.compile(r"\w+(?:, \w+)*")


def definition_lists(lines: list[str]) -> list[str]:
    """The docstring's lines with each aligned list made a definition list."""
    made: list[str] = []
    inside = False
    for line, following in pairwise([*lines, ""]):
        entry = ENTRY.fullmatch(line)
        names = entry["names"] if entry else line
        if entry or (NAMES.fullmatch(line) and following.startswith(" ")):
            made += [] if inside else [""]
            made.append(", ".join(f"``{name}``" for name in names.split(", ")))
            made += [f"    {entry['meaning']}"] if entry else []
            inside = True
        elif inside and line.startswith(" "):
            made.append(f"    {line.strip()}")
        else:
            made += [""] if inside and line else []
            made.append(line)
            inside = False
    return made


def setup(app: Any) -> dict[str, bool]:
    def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
        lines[:] = definition_lists(lines)

    # Before napoleon (500), which would take a bare name with an indented line for a section.
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True}
