"""An executor of effects on a bench: its API server, its cache and its clock obey the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from builders import pods
from builders.clock import FakeClock
from builders.records import an_attempt
from builders.specs import NAMESPACE, PHASE_UID
from spectra_operator.engine import effects as fx
from spectra_operator.engine.executor import Executor
from spectra_operator.engine.keys import Key
from spectra_operator.kube.client import Listing
from spectra_operator.kube.errors import KubeError
from spectra_operator.kube.resources import Body

PHASE = Key("Phase", NAMESPACE, "stage")
FLOW = Key("Workflow", NAMESPACE, "flow")
AGENT = Key("Agent", NAMESPACE, "worker")


class ScriptedClient:
    """Answers every call from a script: by verb, an answer or an error, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.script: dict[str, list[Any]] = {}
        self.held: asyncio.Event | None = None

    def answer(self, verb: str, *answers: Any) -> None:
        """Answer calls of a verb in this order; the last answer stays."""
        self.script.setdefault(verb, []).extend(answers)

    async def _call(self, verb: str, what: str, given: Any = None) -> Any:
        self.calls.append((verb, what, given))
        if self.held is not None:
            await self.held.wait()
        answers = self.script.get(verb) or [{}]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def create(self, resource: Any, namespace: str, body: Body) -> Any:
        return await self._call("create", resource.plural, body)

    async def get(self, resource: Any, namespace: str, name: str) -> Any:
        return await self._call("get", resource.plural, name)

    async def patch(
        self, resource: Any, namespace: str, name: str, patch: Body, subresource: str = ""
    ) -> Any:
        return await self._call("patch", f"{resource.plural}/{subresource}", patch)

    async def replace(
        self, resource: Any, namespace: str, name: str, body: Body, subresource: str = ""
    ) -> Any:
        return await self._call("replace", f"{resource.plural}/{subresource}", body)

    async def delete(
        self,
        resource: Any,
        namespace: str,
        name: str,
        uid: str,
        grace_seconds: int | None = None,
    ) -> Any:
        return await self._call("delete", resource.plural, (name, uid, grace_seconds))

    async def list(self, resource: Any, namespace: str, label_selector: str) -> Any:
        return Listing(await self._call("list", resource.plural, label_selector), "1")


class OnePod:
    """A cache of pods that knows of one at most, by whatever name it is asked for."""

    def __init__(self) -> None:
        self.pod: Body | None = None

    def get(self, namespace: str | None, name: str) -> Body | None:
        return self.pod


class Bench:
    """An executor with everything around it in the test's hands."""

    def __init__(self, concurrency: int = 1) -> None:
        self.client, self.cache, self.clock = ScriptedClient(), OnePod(), FakeClock()
        self.done: list[tuple[fx.Effect, Any, KubeError | None]] = []
        self.left: list[int] = []
        self.leads = True
        client: Any = self.client
        self.executor = Executor(
            client,
            self.cache,
            clock=self.clock,
            may_write=lambda _: self.leads,
            on_done=lambda *outcome: self.done.append(outcome),
            concurrency=concurrency,
        )
        self.executor.on_taken = self.left.append

    async def carry_out(self, *effects: fx.Effect) -> None:
        """Submit effects, and let what needs no time happen."""
        for effect in effects:
            self.executor.submit(effect)
        await self.clock.settle()

    @property
    def errors(self) -> list[str]:
        """The names of the errors that were told."""
        return [type(error).__name__ for _, _, error in self.done if error]


@asynccontextmanager
async def a_bench(concurrency: int = 1) -> AsyncIterator[Bench]:
    """Let an executor run, with so many calls at once at most."""
    bench = Bench(concurrency)
    running = asyncio.ensure_future(bench.executor.run())
    try:
        yield bench
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


RELEASE = fx.ReleasePod(PHASE, "stage-work-0-1", "uid-of-stage-work-0-1")


def a_kept_pod(**changes: Any) -> Body:
    """Return a pod of the phase, as the cluster keeps it, but for changes of its metadata."""
    pod = pods.a_pod()
    owner = {"kind": "Phase", "name": "stage", "uid": PHASE_UID}
    meta = pod["metadata"] | {"ownerReferences": [owner], "resourceVersion": "5"} | changes
    return pod | {"metadata": meta}


def a_create() -> fx.CreatePod:
    """Return the wish for a pod."""
    return fx.CreatePod(PHASE, a_kept_pod(), an_attempt())


def a_status() -> fx.WriteStatus:
    """Return the wish to write the phase's status."""
    return fx.WriteStatus(PHASE, {"status": {"state": "Running"}}, None)
