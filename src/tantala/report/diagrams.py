"""Schematic drawings of a design: the block diagram, and the timing of a read access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tantala.report.notation import scaled
from tantala.report.style import ACCENT, GREY, INK, PALE, RULE
from tantala.report.svg import Drawing


@dataclass(frozen=True)
class BlockLabels:
    """What the block diagram prints into its boxes."""

    array: tuple[str, ...]
    word: str
    code: str
    sense: str
    pump: str
    verify: str
    serial: bool


def block_diagram(labels: BlockLabels, width: float = 172.0) -> str:
    """Data path, address path and write path of a macro; a serial chip gets its interface in
    front.
    """
    drawing = Drawing(width, 74.0, "Block diagram")
    offset = 24.0 if labels.serial else 0.0
    if labels.serial:
        _serial_front(drawing)
    _macro(drawing, labels, offset, width)
    return str(drawing)


def _box(
    drawing: Drawing,
    x: float,
    y: float,
    width: float,
    height: float,
    lines: Sequence[str],
    fill: str = PALE,
) -> None:
    drawing.rectangle(x, y, width, height, fill=fill, line=0.25, radius=0.6)
    first = y + height / 2 + 0.9 - 1.55 * (len(lines) - 1)
    for index, line in enumerate(lines):
        drawing.text(
            x + width / 2,
            first + 3.1 * index,
            line,
            size=6.8 if index == 0 else 6.2,
            anchor="middle",
            weight=600 if index == 0 else 400,
            fill=INK if index == 0 else GREY,
        )


def _serial_front(drawing: Drawing) -> None:
    _box(drawing, 7.0, 4.0, 20.0, 26.0, ("SPI port", "modes 0 and 3,", "shift register"))
    _box(drawing, 7.0, 35.0, 20.0, 16.0, ("Command", "decoder,", "status"))
    _box(drawing, 7.0, 57.0, 20.0, 13.0, ("Page buffer",))
    for index, pin in enumerate(("CS#", "SCK", "SI", "SO")):
        y = 8.0 + 6.0 * index
        points = [(0.6, y), (7.0, y)]
        drawing.arrow(points[::-1] if pin == "SO" else points)
        drawing.text(0.4, y - 0.8, pin, size=6.2)
    for pin, y in (("WP#", 40.0), ("HOLD#", 46.0)):
        drawing.arrow([(0.6, y), (7.0, y)])
        drawing.text(0.0, y - 0.8, pin, size=5.6)
    drawing.arrow([(17.0, 30.0), (17.0, 35.0)], both=True)
    drawing.arrow([(17.0, 51.0), (17.0, 57.0)], both=True)


def _macro(drawing: Drawing, labels: BlockLabels, x: float, width: float) -> None:
    array_x = x + 49.0
    right_x = width - 32.0
    array_width = right_x - 7.0 - array_x
    half = (array_width - 3.0) / 2
    middle, drive_x = array_x + array_width / 2, array_x + half + 3.0
    if labels.serial:
        drawing.arrow([(27.0, 14.0), (x + 12.0, 14.0)])
        drawing.arrow([(27.0, 43.0), (x + 12.0, 43.0)], both=True)
    else:
        for name, y in (("A", 14.0), ("CLK, CE", 38.0), ("WE", 42.5), ("SLEEP", 47.0)):
            drawing.text(x + 0.4, y - 0.8, name, size=6.2)
            drawing.arrow([(x + 0.6, y), (x + 12.0, y)])
        drawing.text(x + 0.4, 50.7, "BUSY, ERR", size=6.2)
        drawing.arrow([(x + 12.0, 51.5), (x + 0.6, 51.5)])
    _box(drawing, x + 12.0, 5.0, 15.0, 20.0, ("Address", "latch,", "predecoder"))
    _box(drawing, x + 31.5, 3.0, 13.0, 24.0, ("Row", "decoder,", "word-line", "drivers"))
    drawing.arrow([(x + 27.0, 15.0), (x + 31.5, 15.0)])
    for y in (7.0, 12.3, 17.7, 23.0):
        drawing.path([(x + 44.5, y), (array_x, y)], line=0.2)
    _box(drawing, array_x, 2.0, array_width, 28.0, labels.array, fill="#dfe9f1")
    _box(drawing, array_x, 34.0, array_width, 7.5, ("Column multiplexer, source lines",))
    drawing.arrow([(middle, 34.0), (middle, 30.0)], both=True)
    drawing.arrow([(x + 19.5, 25.0), (x + 19.5, 31.0), (array_x - 2.5, 31.0),
                   (array_x - 2.5, 37.7), (array_x, 37.7)])  # fmt: skip
    for left, upper, lower, sense in (
        (array_x, "Sense amplifiers", "ECC decoder", labels.sense),
        (drive_x, "Write drivers", "ECC encoder", labels.verify),
    ):
        _box(drawing, left, 46.0, half, 10.0, (upper, sense))
        _box(drawing, left, 60.5, half, 10.0, (lower, labels.code))
        down = left == array_x
        for top, bottom in ((41.5, 46.0), (56.0, 60.5)):
            ends = [(left + half / 2, top), (left + half / 2, bottom)]
            drawing.arrow(ends if down else ends[::-1])
    _control(drawing, labels, x, array_x, half, drive_x)
    _supply(drawing, labels, array_x, array_width, right_x, width - 1.0)


def _control(
    drawing: Drawing, labels: BlockLabels, x: float, array_x: float, half: float, drive_x: float
) -> None:
    lines = ("Control", "read timing,", "write and verify,", "retry")
    _box(drawing, x + 12.0, 35.0, 25.0, 20.0, lines)
    drawing.arrow([(x + 37.0, 51.0), (array_x, 51.0)], both=True)
    # Verify: what was sensed decides whether the driver pulses again.
    drawing.arrow([(array_x + half, 51.0), (drive_x, 51.0)], both=True, stroke=ACCENT, head=1.2)
    low = 73.2
    if labels.serial:
        drawing.arrow([(array_x, 65.0), (27.0, 65.0)])
        drawing.arrow([(17.0, 70.0), (17.0, low), (drive_x + half / 2, low),
                       (drive_x + half / 2, 70.5)])  # fmt: skip
        return
    drawing.arrow([(array_x, 65.5), (x + 0.6, 65.5)])
    drawing.text(x + 0.4, 64.7, f"Q  {labels.word}", size=6.2)
    drawing.arrow([(x + 0.6, low), (drive_x + half / 2, low), (drive_x + half / 2, 70.5)])
    drawing.text(x + 0.4, low - 0.8, f"D  {labels.word}", size=6.2)


def _supply(
    drawing: Drawing,
    labels: BlockLabels,
    array_x: float,
    array_width: float,
    x: float,
    right: float,
) -> None:
    box, array_right = right - x, array_x + array_width
    _box(drawing, x, 4.0, box, 24.0, ("Repair", "spare rows and columns,", "address compare"))
    _box(drawing, x, 34.0, box, 7.5, ("Reference",))
    _box(drawing, x, 46.0, box, 14.0, ("Charge pump", "and regulators", labels.pump))
    drawing.arrow([(x, 16.0), (array_right, 16.0)])
    drawing.arrow([(x, 51.0), (array_right, 51.0)])
    bend, y = x - 3.5, 43.8
    drawing.path([(x, 37.7), (bend, 37.7), (bend, y), (array_x + array_width / 4 + 4, y)],
                 dashes="0.8 0.6")  # fmt: skip
    drawing.arrow(
        [(array_x + array_width / 4 + 4, y), (array_x + array_width / 4 + 4, 46.0)], head=1.0
    )
    drawing.arrow([(x + box / 2, 67.0), (x + box / 2, 60.0)])
    drawing.text(x + box / 2, 70.4, "VDD, VDDH, VSS", size=6.2, anchor="middle")


@dataclass(frozen=True)
class Phase:
    """A stretch of the read access: its symbol with subscript, what happens, and its length in
    s.
    """

    symbol: str
    subscript: str
    title: str
    duration: float


def read_timing(phases: Sequence[Phase], latency: float, cycle: float, width: float = 172.0) -> str:
    """Waveforms of one read access, the phases drawn to scale in time; `latency` and `cycle` in
    s.
    """
    drawing = Drawing(width, 57.5, "Read timing")
    left, right = 20.0, width - 4.0
    end = max(latency, cycle) * 1.12
    scale = (right - left - 6.0) / end
    start = left + 6.0
    rise = 0.9
    at_end, at_cycle = start + latency * scale, start + cycle * scale
    for name, y in (("CLK", 8.0), ("CE", 16.0), ("A", 24.0), ("Q", 42.0)):
        drawing.text(2.0, y + 0.8, name, size=7.2, weight=600)
    high, low = 2.4, 2.4
    half = cycle * scale / 2
    drawing.path(
        [(left, 8 + low), (start - rise, 8 + low), (start + rise, 8 - high),
         (start + half - rise, 8 - high), (start + half + rise, 8 + low),
         (at_cycle - rise, 8 + low), (at_cycle + rise, 8 - high), (right, 8 - high)],
        line=0.35,
    )  # fmt: skip
    enable = [(left, 16 + low), (left + 2, 16 + low), (left + 3.8, 16 - high), (right, 16 - high)]
    drawing.path(enable, line=0.35)
    _bus(drawing, left, left + 2.4, start + 9.0, right, 24.0, "valid")
    _bus(drawing, left, at_end, None, right, 42.0, "data")
    x = start
    for index, phase in enumerate(phases):
        length = phase.duration * scale
        drawing.rectangle(
            x, 30.5, max(length, 0.1), 4.6, fill=(PALE, "#dfe9f1")[index % 2], stroke=RULE,
            line=0.15, title=f"{phase.title}: {scaled([phase.duration], 's')}",
        )  # fmt: skip
        if length > 7:
            drawing.text(x + length / 2, 33.6, phase.symbol, sub=phase.subscript, size=6.6,
                         anchor="middle", italic=True)  # fmt: skip
        x += length
    for edge in (start, at_end, at_cycle):
        drawing.path([(edge, 3.5), (edge, 54.0)], line=0.15, stroke=GREY, dashes="0.8 0.7")
    for y, stop, name in ((49.5, at_end, "AA"), (53.8, at_cycle, "RC")):
        drawing.arrow([(start, y), (stop, y)], both=True, line=0.2)
        _over(drawing, (start + stop) / 2, y, "t", name)
    return str(drawing)


def _over(drawing: Drawing, x: float, y: float, symbol: str, sub: str) -> None:
    drawing.rectangle(x - 4.0, y - 1.6, 8.0, 3.0, fill="#ffffff", stroke=None)
    drawing.text(x, y + 0.8, symbol, sub=sub, size=7.2, anchor="middle", italic=True)


def _bus(
    drawing: Drawing,
    left: float,
    change: float,
    until: float | None,
    right: float,
    y: float,
    text: str,
) -> None:
    """A bus that becomes valid at `change` and, if `until` is given, may change again after it."""
    high, slope = 2.4, 0.9
    drawing.rectangle(left, y - high, change - slope - left, 2 * high, fill="#e9edf0", stroke=None)
    stop = right if until is None else until
    for sign in (1, -1):
        drawing.path(
            [(left, y + sign * high), (change - slope, y + sign * high),
             (change + slope, y - sign * high), (stop - slope, y - sign * high)]
            + ([(stop + slope, y + sign * high), (right, y + sign * high)] if until else []),
            line=0.3,
        )  # fmt: skip
    if until is not None:
        drawing.rectangle(
            stop + slope, y - high, right - stop - slope, 2 * high, fill="#e9edf0", stroke=None
        )
    drawing.text((change + stop) / 2, y + 0.9, text, size=6.6, anchor="middle")
