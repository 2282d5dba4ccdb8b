"""Programs of others that tests run: `make component` unpacks them; else tests are skipped."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from cluster.console import Console
from cluster.paths import cache_root
from cluster.unpacked import Unpacker


def a_program(name: str) -> Path:
    """Return where a program is; skips the test if it can't be had."""
    found = Unpacker(cache_root(os.environ), Console()).find(name)
    if found is None:
        pytest.skip(f"needs the program {name}: python -m cluster unpack {name}")
    return found


async def promtool(*arguments: str | Path, given: bytes = b"") -> tuple[int, str]:
    """Run promtool with something on its standard input; return its exit code and all it says."""
    process = await asyncio.create_subprocess_exec(
        a_program("promtool"), *map(str, arguments), stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate(given)
    return process.returncode or 0, said.decode()
