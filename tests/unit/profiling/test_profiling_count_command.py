"""The command that counts: processes of their own, and what was counted before."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli import REFUSED
from profiling import cli, workloads
from profiling.counting import Count
from profiling.counts import Counts
from profiling.errors import ProfileError
from profiling.stacks import Frame

CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")
ANSWER = json.dumps(Counts("chain-of-20", 10, {CORE: Count(2, 100)}).as_json())


def a_count(bytecodes: int) -> Counts:
    return Counts("warm-chains", 10, {CORE: Count(2, bytecodes)})


Answers = Callable[..., dict[str, Any]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Lets the process that counts end so; returns the options that it is started with."""

    def ends(code: int = 0, out: str = ANSWER, err: str = "") -> dict[str, Any]:
        given: dict[str, Any] = {}

        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            given.update(options, command=command)
            return subprocess.CompletedProcess(command, code, out, err)

        monkeypatch.setattr(subprocess, "run", run)
        return given

    return ends


# The process


def test_a_workload_has_a_process_whose_hashes_are_the_same_each_time(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    given = answers()

    assert cli.counted("chain-of-20").functions == {CORE: Count(2, 100)}

    assert given["command"][1:] == ["-m", "profiling.workloads", "chain-of-20"]
    assert given["env"]["PYTHONHASHSEED"] == "0"
    tests, mine = given["env"]["PYTHONPATH"].split(os.pathsep)
    assert (Path(tests).name, mine) == ("tests", "/mine")


def test_a_workload_that_fails_is_told_with_what_it_said_last(answers: Answers) -> None:
    answers(1, err="x" * 5000 + "KeyError: 'chain'")

    with pytest.raises(ProfileError, match=r"chain: exit code 1\nx+KeyError: 'chain'$") as told:
        cli.counted("chain")
    assert len(str(told.value)) < 2100


@pytest.mark.parametrize(
    ("out", "said"),
    [("", "nothing"), ("a warning", "a warning"), ("[]", r"\[\]"), ('{"tasks": 3}', "tasks")],
)
def test_a_workload_that_prints_no_counts_is_told_with_what_it_printed(
    answers: Answers, out: str, said: str
) -> None:
    answers(out=out)

    with pytest.raises(ProfileError, match=rf"chain: .*it printed .*{said}"):
        cli.counted("chain")


def test_a_workload_that_takes_too_long_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(command: list[str], **options: Any) -> Any:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(ProfileError, match="chain: not done in 600 s; count one workload at a"):
        cli.counted("chain")


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["one-workflow", "warm-chains"]])
def test_the_process_is_told_one_of_the_workloads_that_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        workloads.main(arguments)
    assert "workload" in capsys.readouterr().err


# What was counted before


def test_counts_are_kept_and_compared_with_those_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    workload = ["--workload", "warm-chains"]
    monkeypatch.setattr(cli, "counted", lambda name: a_count(100))
    assert cli.main(["--output", str(before), "count", *workload]) == 0
    monkeypatch.setattr(cli, "counted", lambda name: a_count(110))

    options = [*workload, "--against", str(before)]
    assert cli.main(["--output", str(after), "count", *options]) == 0

    assert "+10.0 % to those before" in capsys.readouterr().out
    kept = json.loads((after / "warm-chains.json").read_text())
    assert kept["functions"] == {str(CORE): [2, 110]}


def test_all_workloads_are_counted_unless_some_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "counted", lambda name: a_count(1))

    assert cli.main(["--output", str(tmp_path), "count"]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(cli.WORKLOADS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory"),
        ("{", "Expecting property name"),
        ("{}", "KeyError"),
        ("[]", "TypeError"),
        ('{"workload": "chain-of-20", "tasks": 1, "functions": []}', "AttributeError"),
        ('{"workload": "chain-of-20", "tasks": 1, "functions": {"f": [1]}}', "ValueError"),
        ('{"workload": "chain-of-20", "tasks": 1, "functions": {"f": 1}}', "TypeError"),
        ('{"workload": "chain-of-20", "tasks": "many", "functions": {}}', "ValueError"),
        ('{"workload": "chain-of-20", "tasks": 0, "functions": {}}', "counts of 0 tasks"),
    ],
)
def test_a_folder_without_counts_is_refused_with_how_to_make_them(
    text: str | None,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "counted", lambda _: pytest.fail("nothing is counted"))
    if text is not None:
        (tmp_path / "chain-of-20.json").write_text(text)
    options = ["--workload", "chain-of-20", "--against", str(tmp_path)]

    assert cli.main(["--output", str(tmp_path / "new"), "count", *options]) == REFUSED

    said = capsys.readouterr().err
    assert "--against: chain-of-20.json holds no counts: " in said
    assert why in said
    assert f"`python -m profiling --output {tmp_path} count --workload chain-of-20`" in said


def test_the_counts_of_another_workload_are_compared_with_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chain-of-20.json").write_text(json.dumps(a_count(1).as_json()))
    options = ["--workload", "chain-of-20", "--against", str(tmp_path)]

    assert cli.main(["--output", str(tmp_path / "new"), "count", *options]) == REFUSED

    assert "chain-of-20.json has the counts of warm-chains" in capsys.readouterr().err
