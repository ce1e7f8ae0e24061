"""Bibliography entries labelled by their key, as the library and `tantala show` print it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting.author_year_title import SortingStyle
from pybtex.style.template import field, sentence
from sphinx.application import Sphinx


class KeyLabels(BaseLabelStyle):
    """The label of an entry is its key."""

    def format_labels(self, sorted_entries: Iterable[Any]) -> Iterator[str]:
        """Labels in the order of the entries."""
        for entry in sorted_entries:
            yield entry.key


class KeyedStyle(Style):
    """Plain formatting, labelled by key, sorted by author."""

    default_label_style = KeyLabels
    default_sorting_style = SortingStyle

    def format_title(self, entry: Any, which_field: str, as_sentence: bool = True) -> Any:
        """The title as written: HfOx, ReRAM and MOS keep their letters."""
        title = field(which_field)
        return sentence[title] if as_sentence else title

    def get_standard_template(self, entry: Any) -> Any:
        """Standards, which BibTeX does not know, as any other document."""
        return self.get_misc_template(entry)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the style under the name 'keyed'."""
    register_plugin("pybtex.style.formatting", "keyed", KeyedStyle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
