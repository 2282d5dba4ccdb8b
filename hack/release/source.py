"""What a release is made from: the commit, its time, and whether the tree is as it says."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from release.errors import ReleaseError


@dataclass(frozen=True)
class Source:
    """A commit.

    Attributes:
        commit: Its hash, 40 hex digits.
        epoch: When it was made, in seconds since 1970: the time of all that is released.
        dirty: Whether the tree differs from it.
    """

    commit: str
    epoch: int
    dirty: bool

    @property
    def time(self) -> datetime:
        """When the commit was made."""
        return datetime.fromtimestamp(self.epoch, UTC)

    @property
    def timestamp(self) -> str:
        """The same by RFC 3339, as images write it."""
        return self.time.strftime("%Y-%m-%dT%H:%M:%SZ")


def read(root: Path) -> Source:
    """Return the commit that is checked out.

    Raises:
        ReleaseError: This is no Git checkout.
    """
    commit, epoch = _git(root, "log", "-1", "--format=%H %ct").split()
    changes = _git(root, "status", "--porcelain", "--untracked-files=all")
    return Source(commit, int(epoch), dirty=bool(changes.strip()))


def refuse_dirty(source: Source, allowed: bool) -> None:
    """Refuse a tree that is not its commit, unless that is allowed.

    Raises:
        ReleaseError: It is not, and not allowed.
    """
    if source.dirty and not allowed:
        raise ReleaseError(
            "the tree has changes that are not committed (see `git status`): commit or remove "
            "them, or try with --allow-dirty, whose outcome says so"
        )


def refuse_other_tag(tag: str, version: str) -> None:
    """Refuse a tag that is not the version's; an empty one is no tag.

    Raises:
        ReleaseError: The tag names another version.
    """
    if tag and tag != f"v{version}":
        raise ReleaseError(
            f"the tag is {tag}, but pyproject.toml says {version}, whose tag is v{version}: "
            f"tag the commit that `python -m release bump` made the release by"
        )


def _git(root: Path, *words: str) -> str:
    # A build machine's checkout may belong to another user than the one who releases it.
    command = ["git", "-c", f"safe.directory={root}", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"{' '.join(words)}: {done.stderr.strip()}; release from a Git checkout")
    return done.stdout
