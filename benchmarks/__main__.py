"""Every benchmark, one after another, each in a process of its own: ``python -m benchmarks``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def startup() -> None:
    """Wall time of `tantala --help`, best of five: the aim is 0.3 s."""
    import time

    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tantala.cli", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.perf_counter() - begin)
    print(f"tantala --help: {min(times):.2f} s (aim 0.3 s)")


def main() -> int:
    failed = []
    startup()
    for path in sorted(FOLDER.glob("bench_*.py")):
        print(f"\n== {path.stem}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{path.stem}"]
        if subprocess.run(command, cwd=FOLDER.parent, check=False).returncode:
            failed.append(path.stem)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
