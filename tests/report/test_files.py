"""Claim: files appear together and whole, or not at all."""

from __future__ import annotations

import os

import pytest

from tantala.base.errors import InputError
from tantala.report.files import write_together


def test_writes_all(tmp_path):
    paths = write_together(tmp_path / "new", {"a.json": b"1", "a.html": b"2"})
    assert [path.read_bytes() for path in paths] == [b"1", b"2"]
    assert sorted(os.listdir(tmp_path / "new")) == ["a.html", "a.json"]


def test_failure_leaves_the_old_files_and_no_rest(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(b"old")
    real, calls = os.fdopen, []

    def full_disk(handle, mode):
        calls.append(handle)
        if len(calls) == 2:
            os.close(handle)
            raise OSError(28, "No space left on device")
        return real(handle, mode)

    monkeypatch.setattr(os, "fdopen", full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_together(tmp_path, {"a.json": b"new", "a.html": b"new"})
    assert os.listdir(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(InputError, match="cannot write"):
        write_together(tmp_path / "out", {"a.json": b""})
