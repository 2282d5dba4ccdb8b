"""The commands of examples/rollout: one revision does its work, one fails every third task."""

from __future__ import annotations

import signal

from component.agent.scripted_operator import Operator, a_claim
from component.agent.worker_process import Process, ended
from unit.examples.example_runner import EXAMPLES, documents


def outcomes(process: Process, operator: Operator, file: str) -> list[str]:
    """Return how six tasks end with the worker of a file."""
    [agent] = documents(EXAMPLES / "rollout" / file)
    env = {each["name"]: each["value"] for each in agent["spec"]["template"]["env"]}
    names = [f"c{index}" for index in range(6)]
    given = {"size": 100}
    operator.give(*(a_claim(n, "press", index=i, input=given) for i, n in enumerate(names)))
    [_, flag, code] = agent["spec"]["template"]["command"]
    worker = process.start(flag, code, SPECTRA_WORKER_SLOTS="4", **env)
    operator.wait_results(*names)
    worker.send_signal(signal.SIGTERM)
    assert ended(worker)[0] == 0
    return [str(operator.results[name]) for name in names]


def test_the_good_revision_does_its_work(process: Process, operator: Operator) -> None:
    told = outcomes(process, operator, "good.yaml")

    assert all("'release': '1.4'" in each for each in told)


def test_every_third_task_of_the_bad_one_fails(process: Process, operator: Operator) -> None:
    told = outcomes(process, operator, "bad.yaml")

    broken = ["release 1.5 has a broken codec" in each for each in told]
    assert broken == [True, False, False] * 2
