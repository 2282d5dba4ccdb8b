"""Locks that say who holds them."""

from __future__ import annotations

import threading
from pathlib import Path

from cluster.lock import locked


def no_wait(who: str) -> None:
    raise AssertionError(f"had to wait for {who}")


def test_a_free_lock_is_taken_without_waiting_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.lock"

    with locked(path, "pid 1 (up)", no_wait):
        assert path.read_text() == "pid 1 (up)"


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, "a long first holder", no_wait):
        pass

    with locked(path, "second", no_wait):
        assert path.read_text() == "second"


class Waiter:
    """Takes a lock in a thread, and tells whom it waited for."""

    def __init__(self, path: Path) -> None:
        self.waited_for: list[str] = []
        self.waits = threading.Event()
        self.seen = ""
        self._path = path
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _note(self, who: str) -> None:
        self.waited_for.append(who)
        self.waits.set()

    def _run(self) -> None:
        with locked(self._path, "second", self._note):
            self.seen = self._path.read_text()


def test_a_second_command_is_told_who_holds_the_lock_and_follows(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, "pid 1 (up)", no_wait):
        waiter = Waiter(path)
        assert waiter.waits.wait(10)
        assert waiter.seen == ""
    waiter.thread.join(10)

    assert waiter.waited_for == ["pid 1 (up)"]
    assert waiter.seen == "second"


def test_a_lock_file_that_its_holder_removed_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, "pid 1 (down)", no_wait):
        waiter = Waiter(path)
        assert waiter.waits.wait(10)
        path.unlink()
    waiter.thread.join(10)

    assert waiter.seen == "second"
