"""Comparing a datasheet on disk with one computed afresh.

Figures agree when they differ by less than `TOLERANCE` relative; everything else must be equal. The
page is compared by what it shows in text: its drawings are functions of the same figures.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any, TypeGuard

from tantala.base.errors import InputError, Problem
from tantala.base.library import names
from tantala.report.figures import FORMAT

TOLERANCE = 1e-6
# Counts and rates come from addressed draws and fixed quadratures, so only rounding of the
# platform's elementary functions can move a figure: parts in 1e-12, or 1e-6 far out in a tail.
# Anything more is another datasheet.


def check(
    path: str | Path,
    design: str | None = None,
    seed: int | None = None,
    progress: Callable[[str], Any] | None = None,
    workers: int = 1,
) -> list[str]:
    """Compute a datasheet again and list what differs, one line a difference.

    Args:
        path: the .json of a datasheet, its .html, or a folder of datasheets with their pages.
        design: the design to compute; None takes the one that the file names.
        seed: None takes the file's.
        progress: called with a short text at the start of each step.
        workers: as of `datasheet`.

    Raises: InputError if there is no datasheet at `path`, or its design cannot be found.
    """
    from tantala.report.compute import datasheet

    path = Path(path)
    found: list[str] = []
    files = _datasheets(path)
    for file in files:
        figures = read_figures(file)
        named = design or _design(figures, file)
        wanted = figures.get("origin", {}).get("seed") if seed is None else seed
        sheet = datasheet(named, wanted, progress or (lambda step: None), workers)
        prefix = f"{file.name}: " if len(files) > 1 else ""
        found += [prefix + line for line in differences(figures, sheet.data())]
        page = file.with_suffix(".html")
        if path.suffix != ".json" and page.is_file():
            lines = page_differences(page.read_text(encoding="utf-8"), sheet.html())
            found += [f"{page.name}: {line}" for line in lines]
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


def _list_differences(found: list[Any], computed: list[Any], here: str) -> Iterator[str]:
    if len(found) != len(computed):
        yield f"{here}: {len(found)} entries in the file, {len(computed)} computed"
        return
    for index, (old, new) in enumerate(zip(found, computed, strict=True)):
        yield from differences(old, new, f"{here}[{_label(old, new, index)}]")


def differences(found: Any, computed: Any, path: str = "") -> Iterator[str]:
    """One line a difference between two trees of JSON values: found on disk, computed afresh."""
    here = path or "datasheet"
    if isinstance(found, dict) and isinstance(computed, dict):
        for key in [*computed, *(key for key in found if key not in computed)]:
            where = f"{path}.{key}" if path else str(key)
            if key not in found:
                yield f"{where}: missing in the file"
            elif key not in computed:
                yield f"{where}: not part of the datasheet"
            else:
                yield from differences(found[key], computed[key], where)
    elif isinstance(found, list) and isinstance(computed, list):
        yield from _list_differences(found, computed, here)
    elif _is_number(found) and _is_number(computed):
        if not math.isclose(found, computed, rel_tol=TOLERANCE, abs_tol=0.0):
            change = f" ({found / computed - 1:+.2e} relative)" if computed else ""
            yield f"{here}: {found!r} in the file, {computed!r} computed{change}"
    elif found != computed:
        yield f"{here}: {found!r} in the file, {computed!r} computed"


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
