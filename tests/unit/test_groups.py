"""Tests of one group run in one process: those that share a cluster rely on it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

GROUPED = """
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(4))
def test_it(number, worker_id):
    print(f"ran in {worker_id};")
"""


def test_tests_of_one_group_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-rP"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    ran = re.findall(r"ran in (\w+);", done.stdout)
    assert len(ran) == 8, done.stdout
    assert len(set(ran)) == 1
