"""Where the pictures go."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.repository import ROOT


@pytest.fixture
def picture_folder() -> Path:
    """The folder of the documentation's pictures of dashboards."""
    folder = ROOT / "docs/assets/dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
