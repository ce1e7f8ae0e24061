"""The default chip's datasheet, computed and written once for all tests of the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tantala.report.compute import datasheet
from tantala.report.page import Datasheet

DESIGN = "embedded_8mb_28nm"


@pytest.fixture(scope="session")
def sheet() -> Datasheet:
    return datasheet(DESIGN)


@pytest.fixture(scope="session")
def folder(sheet, tmp_path_factory) -> Path:
    """A folder with the datasheet's page and figures."""
    path = tmp_path_factory.mktemp("datasheet")
    sheet.write(path, pdf=False)
    return path
