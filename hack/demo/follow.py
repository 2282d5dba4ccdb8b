"""Follows a run by watch events; nothing is asked for twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from demo import screen
from demo.board import Board, Row
from demo.errors import DemoError
from demo.setup import EXAMPLE, NAMESPACE, WORKFLOW
from demo.tools import ROOT, Tools
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.access import load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.clock import Clock, SystemClock
from spectra_operator.kube.informer import Change, Informer
from spectra_operator.kube.resources import PODS, Resource

LIMIT_SECONDS = 300.0
"""A run of the example takes half a minute; one that takes so much longer is stuck."""
_UID = "spectra.dev/workflow-uid"


def read_workflow(path: Path) -> dict[str, Any]:
    """Return the Workflow in a file of several objects.

    Raises:
        DemoError: There is none.
    """
    for body in yaml.safe_load_all(path.read_text()):
        if body and body["kind"] == "Workflow":
            return dict(body)
    raise DemoError(f"{path} holds no Workflow")


class Follower:
    """Takes in the events of one run: those of objects that were not there when it began."""

    def __init__(self, board: Board, view: screen.Screen, now: Callable[[], float]) -> None:
        """Begin with what the board shows.

        Args:
            board: Where the events go.
            view: Shows what changed.
            now: The time, in seconds of any steady clock.
        """
        self.ended = asyncio.Event()
        self._board = board
        self._view = view
        self._now = now
        self._earlier: frozenset[str] = frozenset()

    def begin(self, bodies: Iterable[dict[str, Any]]) -> None:
        """Leave out, from now on, the runs to which these objects belong."""
        self._earlier = frozenset(_run_of(body) for body in bodies)
        self._view.show((), self._board.rows.values())

    def on_pod(self, change: Change) -> None:
        """Take in a change of a pod."""
        if change.new and self._is_ours(change.new):
            row = self._board.take_pod(change.new, self._now())
            self._show([row] if row else [])

    def on_phase(self, change: Change) -> None:
        """Take in a change of a Phase."""
        if change.new and self._is_ours(change.new):
            self._show(self._board.take_phase(change.new, self._now()))

    def on_workflow(self, change: Change) -> None:
        """Take in a change of the Workflow."""
        body = change.new
        if not body or body["metadata"]["name"] != WORKFLOW or not self._is_ours(body):
            return
        if self._board.take_workflow(body):
            self.ended.set()

    def _is_ours(self, body: dict[str, Any]) -> bool:
        uid = _run_of(body)
        return bool(uid) and uid not in self._earlier

    def _show(self, changed: list[Row]) -> None:
        if changed:
            self._view.show(changed, self._board.rows.values())


async def follow(tools: Tools, clock: Clock | None = None) -> Board:
    """Start the example and follow it to its end.

    Raises:
        DemoError: It does not end in time, or could not be started.
    """
    clock = clock or SystemClock()
    logging.getLogger("spectra_operator.kube").setLevel(logging.ERROR)
    board = Board(read_workflow(ROOT / EXAMPLE))
    follower = Follower(board, screen.choose(len(board.rows)), clock.monotonic)
    async with AiohttpClient(load_access(str(tools.kubeconfig), None)) as client:
        informers = [
            _informer(client, resource, clock, callback)
            for resource, callback in (
                (WORKFLOWS, follower.on_workflow),
                (PHASES, follower.on_phase),
                (PODS, follower.on_pod),
            )
        ]
        await asyncio.gather(*(informer.refresh() for informer in informers))
        follower.begin(body for informer in informers for body in informer.items())
        following = [asyncio.create_task(informer.run()) for informer in informers]
        try:
            await asyncio.to_thread(tools.run_kubectl, "apply", "-n", NAMESPACE, "-f", EXAMPLE)
            await _until_ended(follower, following)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
    return board


async def _until_ended(follower: Follower, following: Iterable[asyncio.Task[None]]) -> None:
    """Wait for the end of the run; following it ends before that only by an error."""
    ended = asyncio.create_task(follower.ended.wait())
    done, _ = await asyncio.wait(
        {ended, *following}, timeout=LIMIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    ended.cancel()
    if not done:
        raise DemoError(f"the workflow has not ended after {LIMIT_SECONDS:.0f} s")
    for task in done:
        task.result()


def _informer(
    client: AiohttpClient, resource: Resource, clock: Clock, callback: Callable[[Change], None]
) -> Informer:
    return Informer(client, resource, clock=clock, on_change=callback, namespace=NAMESPACE)


def _run_of(body: dict[str, Any]) -> str:
    """Return the UID of the Workflow to which an object belongs; of a Workflow, its own."""
    meta = body["metadata"]
    if body.get("kind") == "Workflow":
        return str(meta["uid"])
    return str((meta.get("labels") or {}).get(_UID, ""))
