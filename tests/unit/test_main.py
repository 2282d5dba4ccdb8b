"""The way into the program."""

from __future__ import annotations

import gc

import pytest

from spectra_operator import __main__, process


def test_garbage_is_looked_for_again_once_the_program_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(process, "main", lambda: seen.append(gc.isenabled()))
    __main__.main()
    assert seen == [True]
