"""Warm workers in scenarios: agents in mode Pool, their pods, and what their logs prove."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from builders.specs import an_agent
from e2e.harness.bodies import IMAGE, Body
from e2e.harness.operators import processes_of
from e2e.harness.play import Play
from spectra_operator.api import constants as c

WORK = """\
import os, sys, time
from spectra_agent import task, work

sys.stdout.reconfigure(line_buffering=True)

@task
def each(task):
    sys.stdout.write(f"began {task.key} {task.attempt}\\n")
    seconds = task.input.get("seconds", 0.2)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not task.cancelled:
        time.sleep(0.02)
    if task.input.get("fails", 0) >= task.attempt:
        raise RuntimeError("as it was told to")
    sys.stdout.write(f"ended {task.key} {task.attempt}\\n")
    return {"pod": os.environ["HOSTNAME"], "attempt": task.attempt}

work()
"""
"""A worker whose log tells what it began and ended."""


def pool(name: str = "worker", code: str = WORK, **fields: Any) -> Body:
    """Return an agent in mode Pool; two workers of two slots if nothing else is said."""
    template = {
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", code],
        "terminationGracePeriodSeconds": 10,
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"memory": "96Mi"}},
        **fields.pop("template", {}),
    }
    spec: dict[str, Any] = {"mode": "Pool", "replicas": 2, "slots": 2} | fields
    body = an_agent(name, template=template, **spec)
    del body["metadata"]["uid"], body["metadata"]["namespace"]
    return {key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")}


def workers(play: Play) -> list[Body]:
    """Return the worker pods that are there."""
    labelled = (pod for pod in play.world.all("Pod") if c.LABEL_WORKER in _labels(pod))
    return sorted(labelled, key=lambda pod: str(pod["metadata"]["name"]))


def ready_workers(play: Play, agent: str = "worker") -> int:
    """Return how many workers of an agent its status calls ready."""
    status = (play.world.get("Agent", agent) or {}).get("status") or {}
    return int(status.get("readyReplicas", 0))


async def said(play: Play, word: str) -> Counter[tuple[str, int]]:
    """Return how often the logs of the workers say a word, by (key, attempt)."""
    names = [pod["metadata"]["name"] for pod in workers(play)]
    return _counted([await play.kubectl("logs", name) for name in names], word)


def _counted(logs: Iterable[str], word: str) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for text in logs:
        for line in text.splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[0] == word:
                found[parts[1], int(parts[2])] += 1
    return found


class Diary:
    """What the workers say while they live: one that is scaled away takes its log with it."""

    def __init__(self, play: Play) -> None:
        """Read along from now on."""
        self._play = play
        self._logs: dict[str, asyncio.Task[str]] = {}
        play.world.listen("Pod", lambda _, pod, __: self._saw(pod))

    @property
    def workers(self) -> int:
        """How many workers there were, one after the other or at a time."""
        return len(self._logs)

    async def said(self, word: str) -> Counter[tuple[str, int]]:
        """Return how often they said a word, by (key, attempt), when all of them have ended."""
        return _counted(await asyncio.gather(*self._logs.values()), word)

    def _saw(self, pod: Body) -> None:
        name = pod["metadata"]["name"]
        runs = (pod.get("status") or {}).get("phase") == "Running"
        if runs and c.LABEL_WORKER in _labels(pod) and name not in self._logs:
            self._logs[name] = asyncio.create_task(self._play.kubectl("logs", "--follow", name))


def signalled(pod: Body, number: signal.Signals) -> None:
    """Send a signal to the processes of a worker, from this machine."""
    container: str = pod["status"]["containerStatuses"][0]["containerID"].split("//")[1]
    for pid in processes_of(container):
        with suppress(ProcessLookupError):  # it may be ending just now
            os.kill(pid, number)


def no_task_pod(play: Play) -> bool:
    """Whether no pod was made for an attempt."""
    return not play.recorder.trails


def _labels(pod: Body) -> Body:
    found: Body = pod["metadata"].get("labels") or {}
    return found
