"""Tests of compute in memory need torch and scikit-learn, which are not in the test extra."""

from __future__ import annotations

import importlib.util
import os
import warnings

import pytest

_absent = [name for name in ("torch", "sklearn") if importlib.util.find_spec(name) is None]
if _absent:
    message = f"LIBRARY ABSENT: {', '.join(_absent)}; install tantala[test-torch] for tests/cim"
    if os.environ.get("TANTALA_REQUIRE_TORCH"):
        raise pytest.UsageError(message)
    warnings.warn(message, stacklevel=1)
    collect_ignore_glob = ["test_*.py"]
