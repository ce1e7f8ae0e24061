"""Documentation: Sphinx over Markdown. Figures and tables are made from the code at each build.

Nothing is fetched from the network, neither at the build nor when a page is read: fonts are the
system's, and equations are MathML, which browsers draw by themselves.
"""

from __future__ import annotations

import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / part) for part in ("extensions", "figures", "tables")]

project = "tantala"
author = "the tantala developers"
copyright = "2026, the tantala developers"
version = release = metadata.version("tantala")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.bibtex",
    "aligned_names",
    "keyed_sources",
    "mathml",
    "made_pages",
]
highlight_language = "none"
exclude_patterns = ["_build", "_generated"]
nitpicky = False

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
html_math_renderer = "mathml"

bibtex_bibfiles = ["../src/tantala/library/sources.bib"]
bibtex_default_style = "keyed"
bibtex_reference_style = "label"

# An optional extra: without it, what needs it is documented all the same.
autodoc_mock_imports = [] if find_spec("torch") else ["torch"]
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = "tantala"
html_static_path = ["_static"]
html_css_files = ["tantala.css"]
html_sidebars = {"*": [], "models/*": ["sidebar-nav-bs"]}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
}
