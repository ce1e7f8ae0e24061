"""littlefs as a workload under power cuts: files written, appended to, renamed and removed."""

from __future__ import annotations

import random
from typing import Any

from littlefs import LittleFS

from tantala.chip.block_device import BlockDevice
from tantala.chip.callbacks import LittlefsContext

FILES = 6
FOLDERS = ("", "/a", "/a/b")
LARGEST = 1500  # bytes of one write
Files = dict[str, bytes]


class LittlefsWorkload:
    """Files of 10 to 1500 bytes in three folders; a state is {path: contents}."""

    def __init__(self, seed: int, **geometry: Any) -> None:
        self._seed = seed
        self._geometry = geometry
        self.start: Files = {}

    def create(self, memory: Any) -> None:
        system = self._system(memory)
        system.format()
        system.mount()
        system.makedirs("/a/b")
        system.unmount()

    def open(self, memory: Any) -> LittlefsStore:
        system = self._system(memory)
        system.mount()
        system.fs_mkconsistent()
        return LittlefsStore(system)

    def change(self, state: Files, number: int) -> tuple[tuple[str, str, Any], Files]:
        draw = random.Random(f"{self._seed}/{number}")
        path = f"{draw.choice(FOLDERS)}/file{draw.randrange(FILES // 2)}"
        after = dict(state)
        kind = draw.choices(("write", "append", "rename", "remove"), (6, 2, 1, 1))[0]
        if kind == "append" and len(state.get(path, b"")) > LARGEST:
            kind = "remove"
        if path not in state:
            kind = "write"
        if kind == "remove":
            del after[path]
            return ("remove", path, None), after
        if kind == "rename":
            target = f"{draw.choice(FOLDERS)}/name{draw.randrange(2)}"
            after[target] = after.pop(path)
            return ("rename", path, target), after
        data = draw.randbytes(draw.randint(10, LARGEST))
        after[path] = data if kind == "write" else state[path] + data
        return (kind, path, data), after

    def halfway(self, state: Files, change: tuple[str, str, Any]) -> list[Files]:
        """A file that is opened to be created is there, and empty, before it is closed."""
        kind, path, _ = change
        return [{**state, path: b""}] if kind == "write" and path not in state else []

    def _system(self, memory: Any) -> LittleFS:
        context = LittlefsContext(BlockDevice(memory, **self._geometry))
        return LittleFS(context=context, mount=False, **context.geometry)


class LittlefsStore:
    """A mounted file system."""

    def __init__(self, system: LittleFS) -> None:
        self._system = system

    def contents(self) -> Files:
        found = {}
        for folder, _, names in self._system.walk("/"):
            for name in names:
                path = f"{folder.rstrip('/')}/{name}"
                with self._system.open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def apply(self, change: tuple[str, str, Any]) -> None:
        kind, path, detail = change
        if kind == "remove":
            self._system.remove(path)
        elif kind == "rename":
            self._system.rename(path, detail)
        else:
            with self._system.open(path, "wb" if kind == "write" else "ab") as file:
                file.write(detail)
