"""Makes what pages include before they are read: tables into `_generated`, figures beside them."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx


def _make(app: Sphinx) -> None:
    import cell_ageing
    import cell_switching
    import cell_writing
    import claims
    import command_output
    import compact_models
    import design_keys
    import law_numbers
    import silicon_table

    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    for figures in (cell_switching, cell_ageing, cell_writing, compact_models):
        figures.draw(folder)
    for table in (design_keys, law_numbers, claims, silicon_table, command_output):
        for name, text in table.pages():
            path = folder / f"{name}.md"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before any page is read."""
    app.connect("builder-inited", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
