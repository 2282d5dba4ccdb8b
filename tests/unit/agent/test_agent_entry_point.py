"""`python -m spectra_agent` as a pod runs it: a real process, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import spectra_agent

ROOT = str(Path(spectra_agent.__file__).parent.parent)
ENTRY = [sys.executable, "-m", "spectra_agent"]


class Run:
    """Starts the entry point with a result file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result = folder / "result"

    def env(self, **extra: str) -> dict[str, str]:
        plain = {"PATH": os.environ["PATH"], "PYTHONPATH": ROOT, "TMPDIR": str(self.folder)}
        return {**plain, "SPECTRA_RESULT_PATH": str(self.result), **extra}

    def file(self, text: str) -> str:
        path = self.folder / "agent.py"
        path.write_text("from spectra_agent import task\n" + text)
        return str(path)

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ENTRY, *arguments], env=self.env(**env), capture_output=True, text=True, check=False
        )

    def start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, *ENTRY, *arguments], env=self.env(), stdout=subprocess.PIPE, text=True
        )

    def document(self) -> Any:
        return json.loads(self.result.read_bytes())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def end(process: subprocess.Popen[str], number: int, pid: int | None = None) -> int:
    """Wait until the process says it is ready, signal it, and give its exit code."""
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        os.kill(pid or process.pid, number)
        return process.wait()


TWO = "@task\ndef a(t): return {'ran': 'a'}\n@task('b')\ndef _(t): return {'ran': t.input}\n"
WAITS = "import signal\n@task\ndef wait(t):\n    print('ready', flush=True)\n    signal.pause()\n"


def test_run_calls_the_handler_of_the_task(run: Run) -> None:
    done = run("run", run.file(TWO), SPECTRA_TASK="b", SPECTRA_INPUT='{"n": 1}')
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run.document() == {"outputs": {"ran": {"n": 1}}}


def test_run_fails_when_no_handler_fits(run: Run) -> None:
    assert run("run", run.file(TWO), SPECTRA_TASK="c").returncode == 1
    assert run.document()["message"].startswith("HandlerError: no handler for task 'c'")


def test_run_reports_a_file_that_cannot_be_imported(run: Run) -> None:
    assert run("run", run.file("import not_there")).returncode == 1
    assert run.document() == {"message": "ModuleNotFoundError: No module named 'not_there'"}


def test_run_reports_a_file_that_is_not_there(run: Run) -> None:
    assert run("run", "/nowhere.py").returncode == 1
    assert run.document()["message"].startswith("HandlerError: there is no file '/nowhere.py'")


def test_run_lets_the_file_import_its_neighbours(run: Run) -> None:
    (run.folder / "helper.py").write_text("VALUE = 5")
    done = run("run", run.file("import helper\n@task\ndef a(t): return {'v': helper.VALUE}"))
    assert done.returncode == 0
    assert run.document() == {"outputs": {"v": 5}}


def test_a_script_may_run_its_handler_itself(run: Run) -> None:
    path = run.file("from spectra_agent import run\nrun(lambda t: {'own': t.name})")
    env = run.env(SPECTRA_TASK="x")
    done = subprocess.run([sys.executable, path], env=env, capture_output=True, check=False)
    assert done.returncode == 0
    assert run.document() == {"outputs": {"own": "x"}}


def test_sigterm_ends_a_handler_with_143_and_a_message(run: Run) -> None:
    assert end(run.start("run", run.file(WAITS)), signal.SIGTERM) == 143
    assert run.document() == {"message": "ended by SIGTERM"}


def test_sigterm_ends_a_handler_that_is_process_1(run: Run) -> None:
    unshare = ("unshare", "--map-root-user", "--pid", "--fork")
    if shutil.which("unshare") is None or subprocess.call([*unshare, "true"]) != 0:
        pytest.skip("needs a PID namespace of its own (unshare)")
    process = run.start("run", run.file(WAITS), before=unshare)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children), signal.SIGTERM)
        assert process.wait() == 143


def test_exec_passes_both_streams_through_and_keeps_the_last_lines(run: Run) -> None:
    done = run("exec", "--", "sh", "-c", "seq 1 500; echo problem >&2; exit 3")
    assert done.returncode == 3
    assert done.stdout.splitlines() == [str(n) for n in range(1, 501)]
    assert done.stderr == "problem\n"
    lines = run.document()["message"].splitlines()
    assert len(lines) == 10
    assert {"500", "problem"} <= set(lines)


def test_exec_takes_the_outputs_that_the_command_wrote(run: Run) -> None:
    done = run("exec", "--", "sh", "-c", """echo '{"rows": 7}' > "$SPECTRA_OUTPUTS"; echo ok""")
    assert done.returncode == 0
    assert run.document() == {"outputs": {"rows": 7}, "message": "ok"}


def test_exec_uses_the_outputs_file_it_was_given(run: Run) -> None:
    path = run.folder / "mine.json"
    path.write_text('{"stale": true}')
    done = run("exec", "--", "true", SPECTRA_OUTPUTS=str(path))
    assert (done.returncode, run.document()) == (0, {})
    code = f"open({str(path)!r}, 'w').write('{{\"fresh\": 1}}')"
    run("exec", "--", sys.executable, "-c", code, SPECTRA_OUTPUTS=str(path))
    assert run.document() == {"outputs": {"fresh": 1}}


def test_exec_needs_no_temporary_folder_for_a_command_without_outputs(run: Run) -> None:
    assert run("exec", "--", "true", TMPDIR="/not/there").returncode == 0
    assert run.document() == {}


@pytest.mark.parametrize(
    ("text", "said"), [("[1]", "must hold a JSON object"), ("{", "wrote no JSON")]
)
def test_exec_fails_when_the_outputs_are_no_object(run: Run, text: str, said: str) -> None:
    assert run("exec", "--", "sh", "-c", f"echo '{text}' > $SPECTRA_OUTPUTS").returncode == 1
    assert said in run.document()["message"]


def test_exec_of_a_silent_failure_reports_the_exit_code(run: Run) -> None:
    assert run("exec", "--", "sh", "-c", "exit 9").returncode == 9
    assert run.document() == {"message": "exit code 9"}


def test_exec_of_a_command_that_is_not_there_is_127(run: Run) -> None:
    assert run("exec", "--", "no-such-command").returncode == 127
    assert "no-such-command" in run.document()["message"]


def test_exec_of_a_file_that_may_not_run_is_126(run: Run) -> None:
    assert run("exec", "--", run.file("")).returncode == 126
    assert run.document()["message"].startswith("PermissionError")


def test_exec_forwards_a_signal_and_gives_the_commands_answer(run: Run) -> None:
    command = "trap 'echo stopped; exit 5' TERM; echo ready; while :; do :; done"
    process = run.start("exec", "--", "sh", "-c", command)
    assert end(process, signal.SIGTERM) == 5
    assert run.document()["message"] == "ready\nstopped"


def test_exec_of_a_command_killed_by_a_signal_is_128_and_its_number(run: Run) -> None:
    process = run.start("exec", "--", "sh", "-c", "echo ready; exec tail -f /dev/null")
    assert end(process, signal.SIGTERM) == 143
    assert run("exec", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert run.document() == {"message": "ended by SIGKILL"}


def test_exec_does_not_wait_for_what_the_command_left_behind(run: Run) -> None:
    process = run.start("exec", "--", "sh", "-c", "tail -f /dev/null & echo $!")
    assert process.stdout is not None
    left = int(process.stdout.readline())
    try:
        assert process.wait() == 0
    finally:
        os.kill(left, signal.SIGKILL)
        process.stdout.close()


def test_help_explains_and_wrong_usage_is_exit_code_2(run: Run) -> None:
    assert run("--help").stdout.startswith("usage: python -m spectra_agent run FILE.py")
    for arguments in ([], ["run"], ["exec", "--"], ["exec", "true"], ["fly"]):
        wrong = run(*arguments)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith("usage:")
