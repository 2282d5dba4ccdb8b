"""How py-spy is started, ended and read: a program of the test's stands in its place."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from profiling import sampling as subject
from profiling.errors import ProfileError
from profiling.runs import Spy
from profiling.sampling import RATE, sampling
from profiling.stacks import Frame

PID = 2**31 - 1
"""No process has it."""
BEGIN = "py-spy> Sampling process 200 times a second. Press Control-C to exit."
STACK = "main (app/__main__.py:3);work (app/work.py:10) 25"
UNTIL_INTERRUPTED = """
import signal, sys
given = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print({begin!r}, flush=True)
signal.sigwait([signal.SIGINT])
{then}
"""
WRITE = f"""
path = given[given.index("--output") + 1]
open(path, "w").write({STACK!r} + "\\n")
open(path + ".given", "w").write(" ".join(given))
"""
Install = Callable[[str], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Puts a program in the place of py-spy."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))

    def installed(text: str) -> None:
        program = tmp_path / "py-spy"
        program.write_text(f"#!{sys.executable}\n{text}")
        program.chmod(0o755)

    return installed


def a_spy(then: str, begin: str = BEGIN) -> str:
    """A program that says something, waits for SIGINT, and then does something."""
    return UNTIL_INTERRUPTED.format(begin=begin, then=then)


def test_it_looks_at_the_process_until_the_end_of_the_block(
    install: Install, tmp_path: Path
) -> None:
    install(a_spy(WRITE))
    path = tmp_path / "run.raw"

    with sampling(PID, path) as sampler:
        assert not path.exists()

    main, work = Frame("main", "app/__main__.py"), Frame("work", "app/work.py")
    assert sampler.profile.stacks == {(main, work): 25}
    given = (tmp_path / "run.raw.given").read_text()
    assert given == f"record --pid {PID} --rate {RATE} --format raw --output {path}"


def test_the_profile_tells_for_how_long_it_looked(install: Install, tmp_path: Path) -> None:
    install(a_spy(WRITE))
    spy = Spy(tmp_path / "run.raw")

    with spy.beside(PID):
        pass

    assert spy.profile is not None
    assert spy.profile.seconds > 0


def test_stacks_of_a_run_before_are_not_taken_for_new_ones(
    install: Install, tmp_path: Path
) -> None:
    install(a_spy(""))
    path = tmp_path / "run.raw"
    path.write_text(f"{STACK}\n")

    with (
        pytest.raises(ProfileError, match=f"wrote no profile of process {PID}"),
        sampling(PID, path),
    ):
        pass


def test_what_it_says_at_its_end_is_told_if_nothing_was_written(
    install: Install, tmp_path: Path
) -> None:
    install(a_spy("print('Error: the process has ended')"))

    with (
        pytest.raises(ProfileError, match="Error: the process has ended"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pass


def test_a_process_that_may_not_be_traced_is_told_before_anything_runs(
    install: Install, tmp_path: Path
) -> None:
    install("print('Error: Permission Denied: Try running again with elevated permissions')")

    with (
        pytest.raises(ProfileError, match=f"process {PID}: Error: Permission Denied"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pytest.fail("nothing is looked at")


def test_one_that_ends_without_a_word_is_told_so(install: Install, tmp_path: Path) -> None:
    install("")

    with (
        pytest.raises(ProfileError, match=f"look at process {PID}: it ended without a word"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pytest.fail("nothing is looked at")


def test_one_that_is_no_program_is_told_with_what_to_do(install: Install, tmp_path: Path) -> None:
    install("")
    (tmp_path / "py-spy").write_bytes(b"\x00")

    with (
        pytest.raises(ProfileError, match=r"py-spy cannot be started: .*; run `make venv`"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pytest.fail("nothing is looked at")


def test_what_it_saw_of_a_process_that_ended_by_itself_is_there(
    install: Install, tmp_path: Path
) -> None:
    install(f"import sys\ngiven = sys.argv[1:]\n{WRITE}\nprint({BEGIN!r}, flush=True)")

    with sampling(PID, tmp_path / "run.raw") as sampler:
        pass

    assert sampler.profile.samples == 25
    assert sampler.profile.cpu is None


def test_a_file_that_holds_no_stacks_is_told_with_its_name(
    install: Install, tmp_path: Path
) -> None:
    install(a_spy(WRITE.replace(STACK, "<svg>")))

    with (
        pytest.raises(ProfileError, match=r"run\.raw is no profile of py-spy's: .*<svg>"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pass


def test_a_process_that_never_ran_is_a_profile_without_samples(
    install: Install, tmp_path: Path
) -> None:
    install(a_spy(WRITE.replace(STACK, "")))

    with sampling(PID, tmp_path / "run.raw") as sampler:
        pass

    assert (sampler.profile.samples, sampler.profile.busy) == (0, 0.0)


def test_a_machine_without_it_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))

    with (
        pytest.raises(ProfileError, match="run `make venv`"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pytest.fail("nothing is looked at")


def test_what_fails_in_the_block_is_what_is_told(install: Install, tmp_path: Path) -> None:
    install(a_spy(WRITE))

    with pytest.raises(KeyError, match="the run"), sampling(PID, tmp_path / "run.raw"):
        raise KeyError("the run")

    assert (tmp_path / "run.raw").exists(), "py-spy was ended, and wrote what it had seen"


def test_one_that_does_not_end_is_killed(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "END_SECONDS", 0.05)
    install(a_spy("signal.pause()"))

    with (
        pytest.raises(ProfileError, match="wrote no profile"),
        sampling(PID, tmp_path / "run.raw"),
    ):
        pass
