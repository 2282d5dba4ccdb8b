"""Running programs and installing the missing ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from images.errors import StepFailedError, ToolMissingError
from images.steps import ensure_debian_packages, run, succeeds


def test_a_command_gives_its_output() -> None:
    assert run(["echo", "hello"]) == "hello\n"


def test_a_failed_command_is_shown_with_its_last_lines() -> None:
    with pytest.raises(StepFailedError, match=r"exit code 3 from: sh -c .*") as error:
        run(["sh", "-c", "seq 1 100; echo broken >&2; exit 3"])
    lines = str(error.value).splitlines()
    assert lines[-1] == "broken"
    assert "10" not in lines
    assert "100" in lines


def test_a_program_that_is_not_there_does_not_succeed() -> None:
    assert succeeds(["true"])
    assert not succeeds(["false"])
    assert not succeeds(["no-such-program"])


class Recorder:
    def __init__(self) -> None:
        self.commands: list[Sequence[str]] = []

    def __call__(self, command: Sequence[str]) -> str:
        self.commands.append(command)
        return ""


def has(*programs: str) -> object:
    return lambda program: f"/usr/bin/{program}" if program in programs else None


def test_nothing_is_installed_when_all_is_there() -> None:
    steps = Recorder()
    ensure_debian_packages(["buildah"], steps, has("buildah"), lambda: 0)  # type: ignore[arg-type]
    assert steps.commands == []


def test_root_on_debian_installs_only_what_is_missing() -> None:
    steps = Recorder()
    which = has("apt-get", "buildah")
    ensure_debian_packages(["buildah", "mmdebstrap"], steps, which, lambda: 0)  # type: ignore[arg-type]
    assert [command[1] for command in steps.commands] == ["update", "install"]
    assert steps.commands[1][-1] == "mmdebstrap"
    assert "buildah" not in steps.commands[1]


@pytest.mark.parametrize(("programs", "user"), [(("apt-get",), 1000), ((), 0)])
def test_anyone_else_reads_the_exact_fix(programs: tuple[str, ...], user: int) -> None:
    steps = Recorder()
    with pytest.raises(ToolMissingError, match="apt-get update && apt-get install -y buildah"):
        ensure_debian_packages(["buildah"], steps, has(*programs), lambda: user)  # type: ignore[arg-type]
    assert steps.commands == []
