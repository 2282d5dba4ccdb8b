from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
import yaml

from builders.cluster import ROOT
from kubectl_spectra import errors
from kubectl_spectra.commands.completion import for_kubectl
from kubectl_spectra.main import program
from unit.cli.conftest import Run

FOUNDATION = str(Path(ROOT) / "examples" / "foundation" / "foundation.yaml")


def all_commands() -> list[tuple[str, ...]]:
    """Return the words of every command, those of groups too."""
    found: list[tuple[str, ...]] = []
    for name, command in program.commands.items():
        if isinstance(command, click.Group):
            found += [(name, below) for below in command.commands]
        else:
            found.append((name,))
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_explains_itself(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--help")

    assert result.exit_code == errors.OK
    assert result.output.startswith(f"Usage: kubectl spectra {' '.join(words)}")
    assert all(len(line) <= 100 for line in result.output.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("get", "--nonsense"),
        ("tree",),
        ("tree", "pod/x"),
        ("logs", "flow", "--index", "3"),
        ("skip", "flow", "work/a"),
        ("mark-succeeded", "flow", "work/a"),
        ("mark-succeeded", "flow", "work/a", "--reason", "x", "--output", "novalue"),
        ("rerun", "flow", "a", "--reason", "x"),
        ("set", "parallelism", "flow", "0"),
        ("set", "parallelism", "flow", "many"),
        ("set", "priority", "flow", "high"),
        ("submit",),
        ("submit", FOUNDATION, "--from", "template/x"),
        ("submit", FOUNDATION, "--watch", "-o", "json"),
        ("submit", FOUNDATION, "-p", "rows"),
        ("submit", FOUNDATION, "-p", "nothing=1"),
        ("submit", "--from", "phase/x"),
        ("tree", "flow", "--watch", "-o", "json"),
        ("get", "flow", "-A"),
        ("simulate", FOUNDATION, "--agent", "database"),
        ("simulate", FOUNDATION, "--fail", "*=2"),
        ("graph", FOUNDATION, "--format", "svg"),
        ("why", "flow", "a/b/c"),
        ("completion", "tcsh"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_and_no_traceback(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)

    assert result.exit_code == errors.USAGE, result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("get",),
        ("get", "flow"),
        ("tree", "flow"),
        ("tree", "flow", "--watch"),
        ("logs", "flow"),
        ("logs", "flow", "-f"),
        ("suspend", "flow"),
        ("resume", "flow"),
        ("set", "priority", "flow", "5"),
        ("set", "parallelism", "flow", "none"),
        ("cancel", "flow"),
        ("terminate", "flow"),
        ("retry", "flow"),
        ("rerun", "flow", "work/a"),
        ("skip", "flow", "work/a", "--reason", "x"),
        ("mark-succeeded", "flow", "work/a", "--reason", "x", "--output", "rows=5"),
        ("explain", "flow"),
        ("graph", "flow"),
        ("why", "flow", "work/a"),
        ("simulate", "flow"),
        ("simulate", FOUNDATION, "--from-observed"),
        ("submit", FOUNDATION),
        ("submit", "--from", "template/x"),
    ],
    ids=" ".join,
)
def test_a_cluster_that_does_not_answer_ends_with_five_and_one_sentence(
    run: Run, words: tuple[str, ...]
) -> None:
    result = run(*words)

    assert result.exit_code == errors.UNREACHABLE, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: the cluster at https://127.0.0.1:9 does not answer: ")


def test_without_a_kubeconfig_the_sentence_says_what_to_set(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    result = run("get")

    assert result.exit_code == errors.UNREACHABLE
    assert "set KUBECONFIG, or give --kubeconfig and --context" in result.stderr


def test_an_unknown_context_is_named(run: Run) -> None:
    result = run("get", "--context", "elsewhere")

    assert result.exit_code == errors.UNREACHABLE
    assert "elsewhere" in result.stderr


def test_options_of_the_cluster_may_stand_before_and_after_the_command(
    run: Run, nowhere: Path
) -> None:
    config = yaml.safe_load(nowhere.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:10"
    other = nowhere.with_name("other")
    other.write_text(yaml.safe_dump(config))

    for words in (("--kubeconfig", str(other), "get"), ("get", "--kubeconfig", str(other))):
        assert "https://127.0.0.1:10 does not answer" in run(*words).stderr


def test_an_error_of_our_own_is_a_sentence_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_spectra.cluster.Cluster.find", lambda *_, **__: 1 // 0)

    result = run("get")

    assert result.exit_code == errors.INTERNAL
    assert result.stderr.startswith("error: this should not happen: ZeroDivisionError")
    assert "SPECTRA_DEBUG=1" in result.stderr


def test_an_interrupt_ends_with_its_own_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kubectl_spectra.cluster.Cluster.find", interrupted)

    assert run("get").exit_code == errors.INTERRUPTED


def test_the_version_is_told(run: Run) -> None:
    assert run("version").output.startswith("kubectl-spectra 0.")
    assert json.loads(run("version", "-o", "json").output)["version"].startswith("0.")
    assert yaml.safe_load(run("version", "-o", "yaml").output)["version"].startswith("0.")


@pytest.mark.parametrize(
    ("shell", "part"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no")]
)
def test_completion_prints_a_script_for_each_shell(run: Run, shell: str, part: str) -> None:
    text = run("completion", shell).output

    assert part in text
    assert "kubectl-spectra" in text


def test_kubectl_is_told_commands_with_their_meaning(nowhere: Path) -> None:
    lines = for_kubectl(program, ["su"]).splitlines()

    assert lines[-1] == ":4"
    assert [line.split("\t")[0] for line in lines[:-1]] == ["submit", "suspend"]
    assert "Start nothing new" in lines[1]


def test_kubectl_is_told_options_and_values(nowhere: Path) -> None:
    assert "--watch\t" in for_kubectl(program, ["tree", "flow", "--w"])
    assert for_kubectl(program, ["graph", "x", "--format", "m"]).splitlines() == ["mermaid", ":4"]


def test_kubectl_completes_files_where_files_may_stand(nowhere: Path) -> None:
    assert for_kubectl(program, ["lint", "ex"]).splitlines()[-1] == ":0"


def test_completion_is_silent_where_the_cluster_does_not_answer(nowhere: Path) -> None:
    assert for_kubectl(program, ["tree", ""]) == ":4"
    assert for_kubectl(program, ["skip", "flow", ""]) == ":4"
    assert for_kubectl(program, []).splitlines()[-1] == ":4"
