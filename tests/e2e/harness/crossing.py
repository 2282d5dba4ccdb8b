"""The way from one version of the operator to another, held where both of them run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from builders.documents import DOCS, Command, blocks, commands
from builders.shell import a_shell
from e2e.harness.installation import NAMESPACE
from e2e.harness.operators import DEPLOYMENT, Body, Operators, is_ready
from e2e.harness.plugin import environment
from e2e.harness.versions import Version
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import DEPLOYMENTS, PODS


@dataclass
class Crossing:
    """A rollout of the operator that stands still: one replica of the other version is there.

    Attributes:
        operators: The operator's pods of both versions.
        client: With the rights of an administrator.
        to: The version that is gone to.
        typed: What types the commands; done when the last one has succeeded.
    """

    operators: Operators
    client: AiohttpClient
    to: Version
    typed: asyncio.Task[None]

    def leads(self) -> bool:
        """Whether a replica of the version that is gone to leads."""
        names = {pod["metadata"]["name"] for pod in self.operators.pods() if self._is_new(pod)}
        return self.operators.holder().rsplit("_", 1)[0] in names

    async def stands_still(self) -> None:
        """Hold the rollout when its first pod appears, and wait until that pod is ready."""
        await self._until("a pod of the other version", lambda: bool(self._pods(new=True)))
        await self._paused(paused=True)
        await self._until("it is ready", lambda: self._ready() == (2, 1))

    async def taken_over(self) -> None:
        """Have the other version lead, and the one before stand by."""
        for pod in self._pods(new=False):
            await self.client.delete(PODS, NAMESPACE, pod["metadata"]["name"])
        await self._until("the other version leads", self.leads)
        await self._until("one of before stands by", lambda: self._ready()[0] > 0)

    async def over(self) -> None:
        """Let the rollout go on, and wait until all commands have succeeded."""
        await self._paused(paused=False)
        await self.typed
        # Helm takes a rollout that somebody stopped for one that is over.
        await self._until("none of the version before is left", lambda: not self._pods(new=False))
        await self.operators.settled()

    async def _paused(self, *, paused: bool) -> None:
        body = {"spec": {"paused": paused}}
        await self.client.patch(DEPLOYMENTS, NAMESPACE, DEPLOYMENT, body)

    async def _until(self, what: str, probe: Callable[[], bool]) -> None:
        def seen() -> bool:
            if self.typed.done():
                self.typed.result()  # raises what a command ended with
            return probe()

        await self.operators.world.until(what, seen, 90.0)

    def _pods(self, *, new: bool) -> list[Body]:
        return [pod for pod in self.operators.pods() if self._is_new(pod) == new]

    def _ready(self) -> tuple[int, int]:
        """How many replicas are ready, of the version before and of the other."""
        old, new = (sum(map(is_ready, self._pods(new=which))) for which in (False, True))
        return old, new

    def _is_new(self, pod: Body) -> bool:
        image: str = pod["spec"]["containers"][0]["image"]
        return image == self.to.reference("operator")


@asynccontextmanager
async def crossing(
    operators: Operators, client: AiohttpClient, to: Version, steps: list[Command]
) -> AsyncIterator[Crossing]:
    """Type commands that go to another version; the rollout stands still until `over`."""
    async with a_shell(tools(operators)) as shell:
        typed = asyncio.create_task(shell.follow(steps))
        found = Crossing(operators, client, to, typed)
        try:
            await found.stands_still()
            yield found
        finally:
            typed.cancel()


async def type_all(operators: Operators, steps: list[Command]) -> None:
    """Type commands one after the other; each must do what its document shows."""
    async with a_shell(tools(operators)) as shell:
        await shell.follow(steps)


def tools(operators: Operators) -> dict[str, str]:
    """Return the environment in which kubectl and helm find the cluster."""
    cluster = operators.cluster
    found = dict(environment(cluster.kubeconfig, cluster.kubectl_path))
    return found | {"PATH": f"{Path(cluster.helm_path).parent}:{found['PATH']}"}


def documented(page: str, heading: str) -> list[Command]:
    """Return the commands under a heading of a page."""
    found = [
        command
        for block in blocks(DOCS / f"{page}.md")
        if block.heading == heading and block.language == "console"
        for command in commands(block)
    ]
    assert found, f"docs/{page}.md has no commands under {heading}"
    return found
