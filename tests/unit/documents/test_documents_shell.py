"""The shell that types commands keeps what a person's would, and notices what is not as shown."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from builders.documents import Command
from builders.shell import NotAsDocumented, a_shell


def typed(text: str, *output: str) -> Command:
    return Command(text, output, "page:1")


async def test_variables_and_functions_last_from_command_to_command() -> None:
    async with a_shell() as shell:
        await shell.follow([typed("x=3"), typed('echo "$x blocks"', "3 blocks")])


async def test_a_command_may_fail_if_the_page_shows_its_exit_code() -> None:
    async with a_shell() as shell:
        await shell.follow([typed("(exit 3)"), typed("echo $?", "3")])


async def test_a_command_that_fails_unexpectedly_ends_the_story() -> None:
    async with a_shell() as shell:
        with pytest.raises(NotAsDocumented, match=r"page:1: false\n[\s\S]*ended with 1"):
            await shell.follow([typed("false"), typed("echo on")])


async def test_another_output_than_shown_ends_the_story() -> None:
    async with a_shell() as shell:
        with pytest.raises(NotAsDocumented, match="did not come: \\['Succeeded'\\]"):
            await shell.follow([typed("echo Failed", "Succeeded")])


async def test_what_goes_to_standard_error_is_seen_too() -> None:
    async with a_shell() as shell:
        await shell.follow([typed("echo refused >&2", "refused")])


async def test_a_name_in_the_commands_can_be_another_one_here() -> None:
    async with a_shell() as shell:
        steps = [typed("echo --name tutorial", "--name other")]
        await shell.follow(steps, ("--name tutorial", "--name other"))


async def test_an_output_without_a_newline_at_its_end_is_whole() -> None:
    async with a_shell() as shell:
        code, output = await shell.run("printf ok")

    assert (code, output.strip()) == (0, "ok")


async def test_a_command_that_ends_the_shell_says_so() -> None:
    async with a_shell() as shell:
        with pytest.raises(NotAsDocumented, match="ended the shell"):
            await shell.run("exit 0")


async def test_a_stranger_has_no_cluster_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/ours")

    async with a_shell() as shell:
        await shell.follow([typed('echo "[$KUBECONFIG]"', "[]")])
    async with a_shell({"KUBECONFIG": "theirs"}) as shell:
        await shell.follow([typed('echo "[$KUBECONFIG]"', "[theirs]")])


async def test_a_shell_that_is_left_takes_the_command_with_it_that_still_runs(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    async with a_shell(grace_seconds=0) as shell:
        endless = asyncio.create_task(shell.run(f"bash -c 'echo >{begun}; exec sleep infinity'"))
        await asyncio.to_thread(begun.read_text)
        endless.cancel()

    assert shell.process.returncode == -signal.SIGKILL
