"""Every command of a document is one that its program takes; what needs no cluster is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders.command_lines import UnknownCommandError, check, simple_commands, spectra_words
from builders.document_pages import ELSEWHERE, FOLLOWED, SUCCEEDING, TYPED
from builders.documents import DOCS, ROOT, Block, Command, blocks, commands, documents
from kubectl_spectra.main import program

EXEMPT = "not executed: "
BLOCKS = [block for path in documents() for block in blocks(path)]
SHELL = ("console", "", "sh")
COMMANDS = [command for block in BLOCKS if block.language in SHELL for command in commands(block)]
OFFLINE = ("lint", "simulate", "explain", "graph")
LANGUAGES = {
    "",
    "console",
    "dockerfile",
    "json",
    "markdown",
    "mermaid",
    "python",
    "sh",
    "text",
    "yaml",
}
MOST_EXEMPT = 8


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.place)
def test_the_program_takes_the_command(command: Command) -> None:
    check(command)


def offline() -> list[tuple[str, list[str]]]:
    """Commands of `kubectl spectra` about files of the repository, which need no cluster."""
    found = []
    for command in COMMANDS:
        for words in simple_commands(command.text):
            ours = spectra_words(words) or [""]
            if ours[0] in OFFLINE and any((ROOT / word).is_file() for word in ours[1:]):
                found.append((command.place, ours))
    return found


@pytest.mark.parametrize(("place", "words"), offline(), ids=lambda value: str(value)[:40])
def test_a_command_about_a_file_of_the_repository_works(
    place: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(program, words)

    assert result.exit_code == 0, f"{place}: {result.output}"


def test_there_are_commands_that_work_without_a_cluster() -> None:
    assert len(offline()) >= 3


def test_every_page_with_commands_has_a_test_that_runs_them() -> None:
    pages = {Path(command.place.partition(":")[0]).stem for command in COMMANDS}

    assert pages == {*TYPED, *SUCCEEDING, *FOLLOWED, *ELSEWHERE}, (
        "say in tests/builders/document_pages.py"
    )
    assert {test for test in ELSEWHERE.values() if not (ROOT / test).exists()} == set()
    assert {f for files in FOLLOWED.values() for f in files if not (ROOT / f).exists()} == set()


def test_every_block_of_the_console_holds_a_command() -> None:
    empty = [b.place for b in BLOCKS if b.language == "console" and not list(commands(b))]

    assert empty == []


def test_a_block_is_of_a_language_that_a_test_knows() -> None:
    assert {block.language for block in BLOCKS} <= LANGUAGES


def test_few_blocks_are_exempt_and_each_says_why() -> None:
    exempt = [block for block in BLOCKS if block.note.startswith(EXEMPT)]

    assert len(exempt) <= MOST_EXEMPT, [block.place for block in exempt]
    assert all(len(block.note) > len(EXEMPT) + 10 for block in exempt)


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "python"], ids=lambda block: block.place
)
def test_python_in_a_document_can_be_read(block: Block) -> None:
    compile(block.text, block.place, "exec")


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.language == "json"], ids=lambda block: block.place
)
def test_json_in_a_document_can_be_read(block: Block) -> None:
    if "..." not in block.text:
        json.loads(block.text)


def test_the_agent_of_the_documents_says_what_the_documents_say(tmp_path: Path) -> None:
    found = blocks(DOCS / "agents.md")
    [code] = [b for b in found if b.text.startswith("# greeter.py")]
    [run] = [c for b in found for c in commands(b) if "greeter.py" in c.text]
    (tmp_path / "greeter.py").write_text(code.text)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    text = run.text.replace("PYTHONPATH=agent", f"PYTHONPATH={ROOT / 'agent'}")
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.differences(done.stdout) == []


def a_command(text: str, *output: str) -> Command:
    return Command(text, output, "page:1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kubectl spectra sumbit a.yaml", "has no command sumbit"),
        ("kubectl spectra tree a --wacth", "No such option"),
        ("kubectl spectra rollout status a b", "takes no b"),
        ("kubectl gte pods", "no verb 'gte'"),
        ("kubectl apply -f examples/gone.yaml", "there is no examples/gone.yaml"),
        ("helm upgrade spectra chart --set replicsa=3", "no value replicsa"),
        ("make chekc", "no target chekc"),
        ("python -m clutser up", "no module clutser"),
        ("python -m cluster upp", "does not take"),
        (".venv/bin/pytest tests/gone.py", "there is no tests/gone.py"),
        ("rm -rf build", "no program"),
        ("echo $(kubectl gte pods)", "no verb 'gte'"),
        ("echo a | kubectl gte pods", "no verb 'gte'"),
        ("for a in b; do kubectl gte pods; done", "no verb 'gte'"),
    ],
)
def test_a_command_that_would_fail_is_found(text: str, said: str) -> None:
    with pytest.raises(UnknownCommandError, match=said):
        check(a_command(text))


def test_what_differs_from_run_to_run_is_no_difference() -> None:
    shown = (
        "13:19:42 agent/a: back to v9gmzc6bkx after 14s",
        "...",
        "NAME       AGE",
        "flow-x8k2p  2m5s",
        "failed: ... of 3",
    )
    came = "agent\n10:00:01 agent/a: back to jsxm7wz9cw after 9s\nflow-ggnh5 3s\nNAME  AGE\n"

    assert a_command("x", *shown).differences(f"{came}failed: 2 of 3\n") == []


def test_what_is_shown_and_does_not_come_is_a_difference() -> None:
    assert a_command("x", "STATE", "Succeeded 3/3").differences("STATE\nFailed 2/3\n") == [
        "Succeeded 3/3"
    ]


def test_a_command_goes_on_after_a_backslash_and_within_quotes(tmp_path: Path) -> None:
    text = "$ one \\\n    --two\nout\n$ patch '{\n  \"a\": 1}'\n"
    block = Block(ROOT / "docs" / "index.md", 1, "console", text, "", "")

    assert [(c.text, c.output) for c in commands(block)] == [
        ("one \\\n    --two", ("out",)),
        ("patch '{\n  \"a\": 1}'", ()),
    ]
