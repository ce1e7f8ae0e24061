"""Writing files so that a reader never meets half a file: all are finished beside their places,
then moved.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tantala.base.errors import InputError, Problem


def write_together(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write every file of `contents` (name -> bytes) into `folder`, or none of them.

    Raises: InputError when the folder cannot be made or written.
    """
    finished: list[tuple[str, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
            finished.append((temporary, folder / name))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp makes files private; a datasheet is for everyone the user's umask allows.
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
        for temporary, path in finished:
            os.replace(temporary, path)
    except OSError as error:
        problem = Problem("cannot write", str(folder), error.strerror or str(error))
        raise InputError(problem) from None
    finally:
        for temporary, _ in finished:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return [path for _, path in finished]
