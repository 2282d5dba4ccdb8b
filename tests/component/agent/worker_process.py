"""A worker in a process of its own, as a pod runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import spectra_agent
from component.agent.scripted_operator import PATIENCE, Operator

ROOT = str(Path(spectra_agent.__file__).parent.parent)
FILE = """
import asyncio, pathlib, sys, threading
from spectra_agent import task

HERE = pathlib.Path(__file__).parent

@task
def quick(task):
    return {"done": task.input}

@task
def until_told(task):
    with open(HERE / "go") as pipe:
        return {"told": pipe.read()}

@task
def stuck(task):
    task.checkpoint({"row": 9})
    threading.Event().wait()

@task
async def sleeps(task):
    try:
        await asyncio.Event().wait()
    finally:
        print("tidied", file=sys.stderr, flush=True)
"""


class Process:
    """`python -m spectra_agent work` with a file of handlers."""

    def __init__(self, folder: Path, operator: Operator) -> None:
        self.folder = folder
        self.file = folder / "agent.py"
        self.file.write_text(FILE)
        (folder / "token").write_text("secret")
        os.mkfifo(folder / "go")
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ROOT,
            "SPECTRA_RESULT_PATH": str(folder / "result"),
            "SPECTRA_WORKER_URL": operator.url,
            "SPECTRA_WORKER_TOKEN_FILE": str(folder / "token"),
            "SPECTRA_WORKER_GRACE": "20",
        }
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, *(words or ("-m", "spectra_agent", "work", str(self.file)))]
        process = subprocess.Popen(
            command, env={**self.env, **env}, stderr=subprocess.PIPE, text=True
        )
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code, and what was said."""
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said
