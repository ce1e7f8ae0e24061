"""Writing a cell file: TOML with every number cited, whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tantala.base.errors import InputError, Problem

_DIGITS = 6


def cell_toml(content: Mapping[str, Any]) -> str:
    """The text of a cell file from its nested content.

    Plain entries come first, then one table a number, in the order given. A mapping that holds
    ``value`` or ``columns`` is a record and is written with its keys on lines of their own.
    """
    lines: list[str] = []
    _write_table(lines, content, "")
    return "\n".join(lines).strip() + "\n"


def _write_table(lines: list[str], table: Mapping[str, Any], prefix: str) -> None:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    if prefix and (plain or not table):
        lines.append(f"[{prefix}]")
    lines.extend(f"{key} = {_toml(value)}" for key, value in plain.items())
    if plain:
        lines.append("")
    for key, value in table.items():
        if not isinstance(value, Mapping):
            continue
        path = f"{prefix}.{key}" if prefix else key
        if "value" in value or "columns" in value:
            lines.append(f"[{path}]")
            lines.extend(f"{k} = {_toml(v)}" for k, v in value.items())
            lines.append("")
        else:
            _write_table(lines, value, path)


def _toml(value: Any) -> str:
    """One TOML value on one line; floats with six significant digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = f"{value:.{_DIGITS}g}"
        return text if any(c in text for c in ".en") else text + ".0"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    raise TypeError(f"no TOML form for {type(value).__name__}")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all: a temporary file, then a rename.

    Raises InputError when the folder does not exist or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(
            Problem("cannot write here", str(path), error.strerror or "", hint="an existing folder")
        ) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            Problem("cannot write the file", str(path), error.strerror or "")
        ) from None
