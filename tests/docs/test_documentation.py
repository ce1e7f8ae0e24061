"""The documentation covers what there is; checks without Sphinx, so they run with every test."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tantala.cell.cell import LAWS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0][0] != "_")
MADE = re.compile(r"_generated/")


def _maker(name: str):
    spec = importlib.util.spec_from_file_location(name, DOCS / "tables" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_key_of_a_design_has_its_meaning():
    pages = dict(_maker("design_keys").pages())
    assert "`read_latency`" in pages["design_keys"]
    assert "`{ min = ... }`" in pages["design_keys"]


def test_a_meaning_without_its_key_is_told():
    maker = _maker("design_keys")
    maker.MEANINGS["Aim"]["colour"] = "none"
    with pytest.raises(ValueError, match="colour"):
        list(maker.pages())


def test_the_numbers_of_every_law_are_shown():
    assert {f"numbers_{law}" for law in LAWS} <= set(dict(_maker("law_numbers").pages()))


@pytest.mark.parametrize("law", sorted(LAWS))
def test_every_law_has_its_page(law: str):
    text = (DOCS / "models" / f"{law}.md").read_text(encoding="utf-8")
    assert "$$" in text, "no equation"
    for part in ("**Range.**", "**Left out.**", "![", f"numbers_{law}.md", "Code: `tantala."):
        assert part in text, part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_to_files(page: Path):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target and not MADE.search(target):
            assert (page.parent / target).exists(), target
