"""`python -m bench.raw_client`: what the API server can do for one plain client, with no engine.

It creates copies of a pod, removes the finalizer of each when it has ended, and deletes them when
told. It speaks by lines: `ready` when it is connected, then it waits for `go`; `released` when all
are done, then it waits for `delete`; `deleted` at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import uvloop

from bench.raw_pods import RAW_LABEL, numbered
from spectra_operator.api import constants as c
from spectra_operator.kube.access import load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS, Body, name_of

AT_ONCE = 48
"""Requests at once; as many as the operator's default."""


class RawClient:
    """One client with one watch and a few dozen requests at once."""

    def __init__(self, client: AiohttpClient, namespace: str, run: str) -> None:
        self._client = client
        self._namespace = namespace
        self._selector = f"{RAW_LABEL}={run}"
        self._free = asyncio.Semaphore(AT_ONCE)
        self._seen: set[str] = set()
        self._released = 0

    async def done(self, bodies: Sequence[Body]) -> None:
        """Create all pods and remove the finalizer of each that has ended."""
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow(group, len(bodies)))
            for body in bodies:
                # One by one: a patch that is due waits for one create, not for all that come.
                await self._free.acquire()
                group.create_task(self._create(body))
            await following

    async def delete(self, bodies: Sequence[Body]) -> None:
        """Delete all pods."""
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                group.create_task(self._delete(name_of(body)))

    async def _follow(self, group: asyncio.TaskGroup, count: int) -> None:
        listing = await self._client.list(PODS, self._namespace, label_selector=self._selector)
        version = listing.resource_version
        writing: list[asyncio.Task[None]] = []
        while len(writing) < count:
            stream = self._client.watch(
                PODS, self._namespace, resource_version=version, label_selector=self._selector
            )
            async with aclosing(stream) as events:
                async for event in events:
                    version = event.object["metadata"]["resourceVersion"]
                    if self._has_ended(event.object):
                        writing.append(group.create_task(self._release(event.object)))
                    if len(writing) == count:
                        break
        await asyncio.gather(*writing)

    def _has_ended(self, pod: Body) -> bool:
        ended = (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
        if not ended or name_of(pod) in self._seen:
            return False
        self._seen.add(name_of(pod))
        return True

    async def _create(self, body: Body) -> None:
        """Create a pod in the place that was taken for it."""
        try:
            await self._client.create(PODS, self._namespace, body)
        finally:
            self._free.release()

    async def _release(self, pod: Body) -> None:
        # As the operator does it: the mark and the finalizer in one small patch.
        patch: Body = {"metadata": {"labels": {c.LABEL_RECORDED: "true"}, "finalizers": None}}
        async with self._free:
            await self._client.patch(PODS, self._namespace, name_of(pod), patch)

    async def _delete(self, name: str) -> None:
        async with self._free:
            await self._client.delete(PODS, self._namespace, name, grace_seconds=0)


async def speak(arguments: argparse.Namespace) -> None:
    """Do what the lines on standard input say."""
    body: Body = json.loads(arguments.body.read_text())
    bodies = [numbered(body, arguments.run, number) for number in range(arguments.pods)]
    access = load_access(str(arguments.kubeconfig))
    async with AiohttpClient(access, connections=AT_ONCE + 1) as client:
        await client.list(PODS, arguments.namespace, label_selector=f"{RAW_LABEL}=none")
        raw = RawClient(client, arguments.namespace, arguments.run)
        await _told("ready", "go")
        await raw.done(bodies)
        await _told("released", "delete")
        await raw.delete(bodies)
        print("deleted", flush=True)


async def _told(what: str, wanted: str) -> None:
    print(what, flush=True)
    line = await asyncio.to_thread(sys.stdin.readline)
    if line.strip() != wanted:
        raise SystemExit(f"expected {wanted!r} on standard input, not {line!r}")


def main(arguments: Sequence[str]) -> int:
    """Run the client; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.raw_client")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--body", type=Path, required=True, help="a file with the pod, as JSON")
    parser.add_argument("--run", required=True, help="a label's value, new for each run")
    parser.add_argument("--pods", type=int, required=True)
    uvloop.run(speak(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
