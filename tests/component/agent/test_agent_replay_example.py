"""The commands of examples/replay: both releases pack the same text, one of them worse."""

from __future__ import annotations

import ast
import signal
from typing import Any

import pytest

from component.agent.scripted_operator import Operator, a_claim
from component.agent.worker_process import Process, ended
from unit.examples.example_runner import EXAMPLES, documents


@pytest.mark.parametrize(("file", "most"), [("good.yaml", 100), ("worse.yaml", 10_000)])
def test_a_release_packs_what_it_is_given(
    process: Process, operator: Operator, file: str, most: int
) -> None:
    [agent] = documents(EXAMPLES / "replay" / file)
    env = {each["name"]: each["value"] for each in agent["spec"]["template"]["env"]}
    operator.give(a_claim("c0", "pack", input={"text": "notes and ", "times": 500}))
    [_, flag, code] = agent["spec"]["template"]["command"]
    worker = process.start(flag, code, SPECTRA_WORKER_SLOTS="4", **env)
    operator.wait_results("c0")
    worker.send_signal(signal.SIGTERM)

    assert ended(worker)[0] == 0
    told: Any = ast.literal_eval(str(operator.results["c0"]))
    outputs = told["result"]["outputs"]
    assert most / 10 < outputs["bytes"] < most
    assert outputs["checksum"] > 0
