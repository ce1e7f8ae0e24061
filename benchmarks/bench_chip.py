"""Speed of the virtual chip, every cell simulated: `python -m benchmarks.bench_chip [DESIGN]`.

Pages of random data over random data (half of the bits change), reads of 4 KiB, ten years at once,
power-on of a fresh die and of a saved one, memory a cell. Processor time of the process, best of a
few runs. Beside the rates stand those of a real part of this kind: 256 bytes in 5 ms typical with
all bits inverted, a serial clock of 10 MHz (data sheet DS501-00060-2v2-E of the MB85AS8MT).
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.timing import best

import tantala as tt

PAGE, BLOCK, SPAN = 256, 4096, 1 << 17
REAL_WRITE, REAL_READ = 0.05, 1.25  # MB/s


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "spi_8mb"
    design = tt.load_design(name)
    begin = time.process_time()
    chip = tt.Chip(design, seed=1)
    fresh = time.process_time() - begin
    chip.write(0, b"first")  # compiles, or loads, the kernels
    rng = np.random.default_rng(0)

    def pages() -> None:
        content = rng.bytes(SPAN)
        for at in range(0, SPAN, PAGE):
            chip.write(at, content[at : at + PAGE])

    def blocks() -> None:
        for at in range(0, SPAN, BLOCK):
            chip.read(at, BLOCK)

    pages()
    write, read = SPAN / best(pages, warm=False) / 1e6, SPAN / best(blocks, 20, warm=False) / 1e6
    print(f"{name}: {chip.size} bytes, {chip.die.n} cells a word of {chip.word_bytes} bytes")
    rates = (("page writes", write, 5, REAL_WRITE), ("4 KiB reads", read, 40, REAL_READ))
    for what, rate, aim, real in rates:
        print(f"{what}   {rate:8.2f} MB/s  (aim {aim}; the part {real}: {rate / real:.0f}x)")
    begin = time.process_time()
    chip.write(0, rng.bytes(chip.size))
    print(f"whole chip written and tested for the first time {time.process_time() - begin:.1f} s")
    begin = time.process_time()
    chip.elapse("10 years", temperature="85 degC")
    chip.read(0, chip.size)  # cells grow older when they are next looked at: all of them here
    elapsed = time.process_time() - begin
    print(f"ten years     {elapsed:8.3f} s, and all read after them  (aim 0.5)")
    cells = chip.die.cells
    bytes_of = sum(a.nbytes for a in vars(cells).values() if isinstance(a, np.ndarray))
    print(f"memory        {bytes_of / len(cells):8.2f} bytes a cell  (aim below 24)")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "die.img"
        begin = time.process_time()
        chip.save(path)
        saved = time.process_time() - begin
        loaded = best(lambda: tt.Chip.load(path), 3, warm=False)
        size = path.stat().st_size / 1e6
    print(f"fresh die     {fresh:8.2f} s  (aim 2)")
    print(f"saved die     {loaded:8.2f} s  (aim 0.5), {size:.0f} MB; saving it {saved:.2f} s")
    print(f"peak memory   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
