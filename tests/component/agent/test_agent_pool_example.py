"""The command of examples/pool does the forty tasks of its workflow."""

from __future__ import annotations

import signal
from typing import Any

from component.agent.scripted_operator import Operator, a_claim
from component.agent.worker_process import Process, ended
from unit.examples.example_runner import EXAMPLES, documents

AGENT, WORKFLOW = documents(EXAMPLES / "pool" / "pool.yaml")


def item(index: int, **fields: Any) -> dict[str, Any]:
    return a_claim(f"c{index}", "primes", index=index, input={"size": 1000}, **fields)


def test_the_worker_of_the_example_does_its_workflow(process: Process, operator: Operator) -> None:
    [primes, _] = WORKFLOW["spec"]["phases"][0]["tasks"]
    names = [f"c{index}" for index in range(primes["count"])]
    operator.give(*(item(index) for index in range(primes["count"])))
    [_, flag, code] = AGENT["spec"]["template"]["command"]
    worker = process.start(flag, code, SPECTRA_WORKER_SLOTS=str(AGENT["spec"]["slots"]))
    operator.wait_results(*names)

    parts = [operator.results[name]["result"]["outputs"] for name in names]
    assert sum(part["primes"] for part in parts) == 4203  # primes below 40,000
    operator.give(a_claim("s", "sum", input={"parts": parts}))
    operator.wait_results("s")
    assert operator.results["s"]["result"]["outputs"] == {"primes": 4203}

    operator.give(item(7) | {"id": "again", "checkpoint": [7900, 0]})
    operator.wait_results("again")
    assert operator.results["again"]["result"]["outputs"] == {"primes": 10}  # 7,900 to 7,999
    worker.send_signal(signal.SIGTERM)
    assert ended(worker)[0] == 0
