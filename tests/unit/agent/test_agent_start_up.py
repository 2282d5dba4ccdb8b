"""Start-up is every task's latency, so what is imported is counted (time would flicker)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import spectra_agent

ROOT = str(Path(spectra_agent.__file__).parent.parent)
HEAVY = {"argparse", "asyncio", "dataclasses", "inspect", "logging", "subprocess", "typing"}
LIST = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules(*arguments: str) -> set[str]:
    """The modules of an isolated interpreter (no site-packages) after the given arguments."""
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        env={"PYTHONPATH": ROOT, "SPECTRA_RESULT_PATH": "/dev/null"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_importing_the_sdk_imports_nothing_but_itself() -> None:
    new = modules("-c", f"import os, spectra_agent; {LIST}") - modules("-c", f"import os; {LIST}")
    assert {name for name in new if not name.startswith("spectra_agent")} == {"__future__"}
    assert len(new) == 7


def test_running_a_file_imports_nothing_heavy(tmp_path: Path) -> None:
    file = tmp_path / "agent.py"
    file.write_text(f"from spectra_agent import task\n@task\ndef a(t):\n    {LIST}\n")
    loaded = modules("-m", "spectra_agent", "run", str(file))
    assert "spectra_agent.command" not in loaded
    assert "spectra_agent.pool" not in loaded
    assert not HEAVY & loaded
    assert len(loaded) <= 75
