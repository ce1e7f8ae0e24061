"""The look that figures, drawings and pages share: colours, font, and how a matplotlib axis is
dressed.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")

# The font that matplotlib brings along, so that every machine prints the same page.
FONT = "DejaVu Sans"
FONT_FILES = {
    "regular": "DejaVuSans.ttf",
    "semibold": "DejaVuSans-Bold.ttf",
    "italic": "DejaVuSans-Oblique.ttf",
}
FONT_RULES = {
    "regular": "font-weight: 400",
    "semibold": "font-weight: 600",
    "italic": "font-style: italic",
}

INK = "#1a1f26"
GREY = "#5c6670"
RULE = "#c9d0d6"
PALE = "#f1f4f6"
ACCENT = "#17507f"
LOW_STATE = "#17507f"
HIGH_STATE = "#b4511f"
GOOD = "#2c6e49"
BAD = "#a4161a"
# Blocks of the macro: blues for cells, then a muted hue each; print stays legible in grey.
BLOCKS = (
    "#86abcd", "#a9c5dd", "#cfdfeb", "#d8c27e", "#e0a882", "#8fbfae", "#c88f8f", "#b9a5cc",
    "#9aa6b2", "#c9b08c", "#7f93b8", "#b3cc8c", "#d5a3c0", "#a6b8a2", "#e6e3dd",
)  # fmt: skip
# Cold to hot, for curves at several temperatures.
TEMPERATURES = ("#2166ac", "#4d9ac0", "#8a8d91", "#dd8452", "#b2182b", "#67001f")


@functools.cache
def _settings() -> dict[Any, Any]:
    """Matplotlib settings of every figure."""
    return {
        "font.family": FONT,
        "font.size": 6.75,
        "axes.labelsize": 6.75,
        "axes.titlesize": 6.75,
        "axes.linewidth": 0.6,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": 6.3,
        "ytick.labelsize": 6.3,
        "xtick.direction": "in",
        "ytick.direction": "in",
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "xtick.minor.size": 1.6,
        "ytick.minor.size": 1.6,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "grid.color": "#e4e8eb",
        "grid.linewidth": 0.5,
        "axes.grid": True,
        "axes.axisbelow": True,
        "lines.linewidth": 1.3,
        "legend.fontsize": 6.12,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "mathtext.fontset": "custom",
        "mathtext.rm": FONT,
        "mathtext.it": f"{FONT}:italic",
        "mathtext.bf": f"{FONT}:bold",
        "mathtext.cal": FONT,
        "mathtext.sf": FONT,
        "mathtext.tt": FONT,
        "svg.fonttype": "none",
        # Identifiers in the drawing are then the same in every run.
        "svg.hashsalt": "tantala",
        "figure.constrained_layout.wspace": 0.06,
    }


def plot(function: Callable[Arguments, str]) -> Callable[Arguments, str]:
    """Run a drawing function under the shared settings, without touching matplotlib's global
    ones.
    """

    @functools.wraps(function)
    def dressed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        import matplotlib as mpl

        with mpl.rc_context(_settings()):
            return function(*args, **kwargs)

    return dressed


def figure(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `width` x `height` millimetres with `columns` axes side by side."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width / 25.4, height / 25.4), layout="constrained")
    return drawing, list(drawing.subplots(1, columns, squeeze=False)[0])


def as_svg(drawing: Figure, title: str) -> str:
    """The figure as an inline <svg> element: text stays text, no date, stable identifiers."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for axes in drawing.axes:
        axes.minorticks_off()
    # Laid out here: else savefig draws the whole figure once more, only to have it laid out.
    layout = drawing.get_layout_engine()
    if layout is not None:
        FigureCanvasSVG(drawing)  # by this canvas's measures of text
        layout.execute(drawing)
        drawing.set_layout_engine("none")
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
