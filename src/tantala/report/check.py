"""Comparing a datasheet on disk with one computed afresh.

Figures agree when they differ by less than `TOLERANCE` relative; everything else must be equal. The
page is compared by what it shows in text: its drawings are functions of the same figures.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any, TypeGuard

from tantala.base.errors import InputError, Problem
from tantala.base.library import names
from tantala.report.crew import Crew
from tantala.report.figures import FORMAT

TOLERANCE = 1e-6
# Counts and rates come from addressed draws and fixed quadratures, so only rounding of the
# platform's elementary functions can move a figure: parts in 1e-12, or 1e-6 far out in a tail.
# Anything more is another datasheet.
LOGARITHMS = "influences"
# The influences are logarithms of ratios of figures: of a small one, differences count, not ratios.
OF_LOGARITHMS = 1e-5


@dataclass(frozen=True)
class Difference:
    """One difference: its place, what was found there, and how large it is, relative.

    What has no size counts as infinite (something missing, a changed text) or, where it only
    repeats a figure, as none (a line of the page).
    """

    place: str
    text: str
    size: float = math.inf

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"

    @property
    def group(self) -> str:
        """The part of the datasheet it is in: the place up to its first dot or bracket."""
        return re.split(r"[.\[]", self.place, maxsplit=1)[0]


def largest(found: Sequence[Difference], count: int) -> dict[str, list[Difference]]:
    """The `count` largest differences by the part of the datasheet they are in, largest first."""
    groups: dict[str, list[Difference]] = {}
    for one in sorted(found, key=lambda one: -one.size)[:count]:
        groups.setdefault(one.group, []).append(one)
    return groups


def check(
    path: str | Path,
    design: str | None = None,
    seed: int | None = None,
    progress: Callable[[str], Any] | None = None,
    crew: Crew | None = None,
) -> list[Difference]:
    """Compute a datasheet again and list what differs.

    Args:
        path: the .json of a datasheet, its .html, or a folder of datasheets with their pages.
        design: the design to compute; None takes the one that the file names.
        seed: None takes the file's.
        progress: called with a short text at the start of each step.
        crew: as of `datasheet`.

    Raises: InputError if there is no datasheet at `path`, or its design cannot be found.
    """
    from tantala.report.compute import datasheet

    path = Path(path)
    found: list[Difference] = []
    files = _datasheets(path)
    for file in files:
        figures = read_figures(file)
        named = design or _design(figures, file)
        wanted = figures.get("origin", {}).get("seed") if seed is None else seed
        sheet = datasheet(named, wanted, progress or (lambda step: None), crew)
        here = list(differences(figures, sheet.data()))
        page = file.with_suffix(".html")
        if path.suffix != ".json" and page.is_file():
            lines = page_differences(page.read_text(encoding="utf-8"), sheet.html())
            here += [Difference("page", line, 0.0) for line in lines]
        prefix = f"{file.stem}: " if len(files) > 1 else ""
        found += [replace(one, place=prefix + one.place) for one in here]
    return found


def _datasheets(path: Path) -> list[Path]:
    """The JSON files at `path`. Raises InputError if there is none."""
    if path.is_dir():
        files = sorted(file for file in path.glob("*.json") if _is_datasheet(file))
    else:
        files = [path.with_suffix(".json")]
    if not files or not files[0].is_file():
        hint = "the .json, .html or folder that tantala datasheet wrote"
        raise InputError(Problem("no datasheet to check", str(path), hint=hint))
    return files


def _is_datasheet(file: Path) -> bool:
    return FORMAT in file.read_text(encoding="utf-8", errors="replace")[:200]


def _design(figures: dict[str, Any], file: Path) -> str:
    """The design a datasheet names: a library name, or a file beside the datasheet or here."""
    named = str(figures.get("origin", {}).get("design", ""))
    if named in names("chip"):
        return named
    for candidate in (file.parent / named, Path(named)):
        if named and candidate.is_file():
            return str(candidate)
    raise InputError(
        Problem(
            "the design of this datasheet is not here",
            str(file),
            repr(named),
            hint="name the design: tantala datasheet --check FILE DESIGN.toml",
        )
    )


def read_figures(path: Path) -> dict[str, Any]:
    """The figures of a datasheet's JSON file. Raises InputError if it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Problem("cannot read the file", str(path), error.strerror or "")) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem("not a JSON file", str(path), str(error))) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(
            Problem("not a datasheet", str(path), allowed="the .json that tantala datasheet writes")
        )
    return data


def _list_differences(found: list[Any], computed: list[Any], here: str) -> Iterator[Difference]:
    if len(found) != len(computed):
        yield Difference(here, f"{len(found)} entries in the file, {len(computed)} computed")
        return
    for index, (old, new) in enumerate(zip(found, computed, strict=True)):
        yield from differences(old, new, f"{here}[{_label(old, new, index)}]")


def differences(found: Any, computed: Any, path: str = "") -> Iterator[Difference]:
    """The differences between two trees of JSON values: found on disk, computed afresh."""
    here = path or "datasheet"
    if isinstance(found, dict) and isinstance(computed, dict):
        for key in [*computed, *(key for key in found if key not in computed)]:
            where = f"{path}.{key}" if path else str(key)
            if key not in found:
                yield Difference(where, "missing in the file")
            elif key not in computed:
                yield Difference(where, "not part of the datasheet")
            else:
                yield from differences(found[key], computed[key], where)
    elif isinstance(found, list) and isinstance(computed, list):
        yield from _list_differences(found, computed, here)
    elif _is_number(found) and _is_number(computed):
        least = OF_LOGARITHMS if path.startswith(LOGARITHMS) else 0.0
        if not math.isclose(found, computed, rel_tol=TOLERANCE, abs_tol=least):
            change = found / computed - 1 if computed else math.inf
            size = f" ({change:+.2e} relative)" if computed else ""
            yield Difference(here, _both(found, computed) + size, abs(change))
    elif found != computed:
        yield Difference(here, _both(found, computed))


def _both(found: Any, computed: Any) -> str:
    return f"{found!r} in the file, {computed!r} computed"


def _label(old: Any, new: Any, index: int) -> str:
    """An entry's own name where both sides carry the same one, else its place."""
    if isinstance(old, dict) and isinstance(new, dict) and old.get("name") == new.get("name"):
        return str(new.get("name", index))
    return str(index)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_HIDDEN = re.compile(r"<(style|svg|title|head)\b.*?</\1>", re.DOTALL)
_END = re.compile(r"</(p|tr|li|h1|h2|h3|figcaption|div)>|<br>")
_TAG = re.compile(r"<[^>]+>")


def page_lines(page: str) -> list[str]:
    """The text a page shows, a line a paragraph, table row or caption; drawings left out."""
    text = _END.sub("\n", _HIDDEN.sub("", page).replace("\n", " ").replace("</td>", " | "))
    lines = (" ".join(unescape(_TAG.sub("", line)).split()) for line in text.split("\n"))
    return [line for line in lines if line]


def page_differences(found: str, computed: str) -> list[str]:
    """Lines of text that the two pages do not share, as "file: ..." and "computed: ..."."""
    import difflib

    old, new = page_lines(found), page_lines(computed)
    lines = difflib.unified_diff(old, new, "file", "computed", lineterm="", n=0)
    words = {"-": "in the file: ", "+": "computed: "}
    return [
        words[line[0]] + line[1:].strip()
        for line in lines
        if line[0] in words and not line.startswith(("---", "+++"))
    ]
