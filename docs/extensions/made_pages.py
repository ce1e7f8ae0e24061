"""Makes what pages include before they are read: tables and figures, into `_generated`.

They are made afresh only when the package, its library, the published claims or the makers have
changed: a hash of all these files is kept beside them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from sphinx.application import Sphinx

MADE_FROM = ("src/tantala", "tests/published", "docs/figures", "docs/tables")
SUFFIXES = {".py", ".toml", ".bib"}


def _hash(root: Path) -> str:
    digest = hashlib.sha256()
    for part in MADE_FROM:
        for path in sorted((root / part).rglob("*")):
            if path.suffix in SUFFIXES:
                digest.update(str(path.relative_to(root)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _make(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    stamp, made_from = folder / "made_from", _hash(Path(app.srcdir).parent)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_from:
        return
    stamp.unlink(missing_ok=True)

    import array_approximations
    import array_crosspoint
    import array_gated
    import array_memory
    import array_selectors
    import cell_ageing
    import cell_compact
    import cell_switching
    import cell_writing
    import claims
    import command_output
    import design_keys
    import law_numbers
    import parts_table
    import silicon_table

    made = (
        array_approximations,
        design_keys,
        law_numbers,
        claims,
        silicon_table,
        parts_table,
        command_output,
    )
    for table in made:
        for name, text in table.pages():
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
    cells = (cell_switching, cell_ageing, cell_writing, cell_compact)
    for figures in (*cells, array_crosspoint, array_gated, array_memory, array_selectors):
        figures.draw(folder)
    stamp.write_text(made_from, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before any page is read."""
    app.connect("builder-inited", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
