"""File locks that say who holds them."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


def _open_and_lock(path: Path, waiting: Callable[[str], None]) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(os.pread(descriptor, 400, 0).decode(errors="replace").strip() or "another process")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_still_at(path: Path, descriptor: int) -> bool:
    """Tell whether the locked file is still the one at ``path``; its holder may have removed it."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def locked(path: Path, holder: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at ``path``.

    Args:
        path: The lock file; made if absent. The holder may remove it.
        holder: Who we are, for the message that others show.
        waiting: Called once, with the present holder's text, before waiting for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _open_and_lock(path, waiting)
    while not _is_still_at(path, descriptor):
        os.close(descriptor)
        descriptor = _open_and_lock(path, waiting)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)
