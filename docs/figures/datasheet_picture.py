"""The README's picture: the first pages of a datasheet side by side.

    python docs/figures/datasheet_picture.py PDF docs/images/datasheet.png

Needs pdftoppm (poppler-utils).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PAGES = (1, 2)
DOTS_PER_INCH = 96
GAP = 18  # pixels around each page
BACKGROUND, EDGE = "#e9edf0", "#c9d0d6"


def picture(pdf: Path, target: Path) -> None:
    """Render the pages of `pdf` and write them as one PNG."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pdftoppm", "-r", str(DOTS_PER_INCH), "-png", "-f", str(PAGES[0])]
        subprocess.run([*command, "-l", str(PAGES[-1]), pdf, f"{folder}/page"], check=True)
        pages = [Image.open(path).convert("RGB") for path in sorted(Path(folder).glob("*.png"))]
    width, height = pages[0].size
    whole = Image.new("RGB", (len(pages) * (width + GAP) + GAP, height + 2 * GAP), color=BACKGROUND)
    for index, page in enumerate(pages):
        x = GAP + index * (width + GAP)
        whole.paste(EDGE, (x - 1, GAP - 1, x + width + 1, GAP + height + 1))
        whole.paste(page, (x, GAP))
    target.parent.mkdir(parents=True, exist_ok=True)
    # A palette keeps the picture small; text on white needs few colours.
    whole.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        target, optimize=True
    )


if __name__ == "__main__":
    picture(Path(sys.argv[1]), Path(sys.argv[2]))
