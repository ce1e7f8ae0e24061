"""A small vector drawing: millimetres in, one inline <svg> element out."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from tantala.report.style import FONT, INK

POINT = 25.4 / 72.0  # mm
LETTER = 0.9  # drawings are laid out for a narrower face than DejaVu Sans


class Drawing:
    """Shapes and text on a canvas of `width` x `height` mm, y downwards."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width = width
        self.height = height
        self._title = title
        self._parts: list[str] = []

    def _add(self, tag: str, content: str = "", **attributes: object) -> None:
        listed = " ".join(
            f"{name.replace('_', '-')}={quoteattr(_text(value))}"
            for name, value in attributes.items()
            if value is not None
        )
        self._parts.append(
            f"<{tag} {listed}>{content}</{tag}>" if content else f"<{tag} {listed}/>"
        )

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        stroke: str | None = INK,
        line: float = 0.18,
        radius: float = 0.0,
        title: str = "",
    ) -> None:
        """A rectangle; `title` is its tool tip on screen."""
        self._add(
            "rect",
            f"<title>{escape(title)}</title>" if title else "",
            x=x,
            y=y,
            width=width,
            height=height,
            fill=fill,
            stroke=stroke,
            stroke_width=line if stroke else None,
            rx=radius or None,
        )

    def tiles(
        self, boxes: Sequence[tuple[float, float, float, float]], fill: str, title: str
    ) -> None:
        """Many rectangles (x, y, width, height) of one colour as one shape with one tool tip."""
        outline = "".join(
            f"M{_text(x)} {_text(y)}h{_text(w)}v{_text(h)}h{_text(-w)}z" for x, y, w, h in boxes
        )
        self._add("path", f"<title>{escape(title)}</title>", d=outline, fill=fill,
                  stroke="#ffffff", stroke_width=0.05)  # fmt: skip

    def path(
        self,
        points: Sequence[tuple[float, float]],
        *,
        stroke: str = INK,
        line: float = 0.25,
        fill: str = "none",
        dashes: str | None = None,
    ) -> None:
        """A polyline through `points`."""
        self._add(
            "polyline",
            points=" ".join(f"{_text(x)},{_text(y)}" for x, y in points),
            fill=fill,
            stroke=stroke if line else None,
            stroke_width=line or None,
            stroke_dasharray=dashes,
            stroke_linejoin="round",
        )

    def arrow(
        self,
        points: Sequence[tuple[float, float]],
        *,
        both: bool = False,
        stroke: str = INK,
        line: float = 0.25,
        head: float = 1.5,
    ) -> None:
        """A polyline with a head at its end, and at its start too with `both`."""
        self.path(points, stroke=stroke, line=line)
        self._head(points[-2], points[-1], stroke, head)
        if both:
            self._head(points[1], points[0], stroke, head)

    def _head(
        self, start: tuple[float, float], end: tuple[float, float], fill: str, size: float
    ) -> None:
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = max((dx * dx + dy * dy) ** 0.5, 1e-9)
        ux, uy = dx / length, dy / length
        back = (end[0] - size * ux, end[1] - size * uy)
        half = 0.34 * size
        points = [end, (back[0] - half * uy, back[1] + half * ux)]
        points.append((back[0] + half * uy, back[1] - half * ux))
        self._add(
            "polygon", points=" ".join(f"{_text(x)},{_text(y)}" for x, y in points), fill=fill
        )

    def text(
        self,
        x: float,
        y: float,
        content: str,
        *,
        size: float = 7.0,
        anchor: str = "start",
        weight: int = 400,
        fill: str = INK,
        italic: bool = False,
        rotate: float = 0.0,
        sub: str = "",
    ) -> None:
        """A line of text, `size` in points, baseline at y; `sub` is set as a subscript after it."""
        size *= LETTER
        body = escape(content)
        if sub:
            body += (
                f'<tspan dy="{_text(0.25 * size * POINT)}" font-size="{_text(0.72 * size * POINT)}"'
                f' font-style="normal">{escape(sub)}</tspan>'
            )
        self._add(
            "text",
            body,
            x=x,
            y=y,
            font_family=FONT,
            font_size=size * POINT,
            font_weight=weight if weight != 400 else None,
            font_style="italic" if italic else None,
            text_anchor=anchor if anchor != "start" else None,
            fill=fill,
            transform=f"rotate({_text(rotate)} {_text(x)} {_text(y)})" if rotate else None,
        )

    def __str__(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_text(self.width)}mm"'
            f' height="{_text(self.height)}mm"'
            f' viewBox="0 0 {_text(self.width)} {_text(self.height)}"'
            f' role="img" aria-label={quoteattr(self._title)}>' + "".join(self._parts) + "</svg>"
        )


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
