"""Intake: kopf receives the events of our kinds and hands them to the engine, on every replica."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import kopf

from ..api import constants as c
from ..engine.keys import ACTIONS, OURS, PHASES, WORKFLOWS
from ..kube.resources import Body, Resource
from . import admission
from .storages import NoDiffBase, NoProgress

LOGIN_RETRIES = 3
PEER: Any = c.MANAGER
"""Our name among kopf's peers, of whom there are none. Without one kopf asks for the name of the
system's user, and a container's user has none."""


class Intake(Protocol):
    """Where the events go."""

    def offer(self, body: Body) -> None:
        """Take in an object as it is now."""
        ...

    def drop(self, body: Body) -> None:
        """Take in that an object is gone."""
        ...


def make_settings(webhook: kopf.WebhookServer | None = None) -> kopf.OperatorSettings:
    """Return kopf's settings: no state on objects, no peering, no Events of its own."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.finalizer = f"{c.GROUP}/kopf-unused"
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 1.0
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 15.0
    settings.admission.server = webhook
    settings.process.ultimate_exiting_timeout = 30.0
    for resource in (PHASES, WORKFLOWS, ACTIONS):
        settings.watching.label_selectors[resource.group, resource.plural] = c.LIVE_SELECTOR
    return settings


def make_registry(intake: Intake, login: Callable[..., Any]) -> kopf.OperatorRegistry:
    """Return a registry with one intake handler a kind and a way to log in."""
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry, retries=LOGIN_RETRIES)(login)
    for resource in OURS:
        _register(registry, resource, intake)
    return registry


async def run_kopf(
    intake: Intake,
    login: Callable[..., Any],
    stop: asyncio.Event,
    ready: asyncio.Event,
    webhook: kopf.WebhookServer | None = None,
    namespaces: tuple[str, ...] = (),
) -> None:
    """Run kopf until `stop` is set or it fails; `ready` is set once it has started.

    It follows the namespaces given; without any, all.
    """
    registry = make_registry(intake, login)
    if webhook is not None:
        admission.register(registry)
    await kopf.operator(
        registry=registry,
        settings=make_settings(webhook),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        identity=PEER,
        stop_flag=stop,
        ready_flag=ready,
    )


def _register(registry: kopf.OperatorRegistry, resource: Resource, intake: Intake) -> None:
    async def receive(event: Any, **_: Any) -> None:
        body = {"apiVersion": resource.api_version, "kind": resource.kind} | dict(event["object"])
        if event["type"] == "DELETED":
            intake.drop(body)
        else:
            intake.offer(body)

    kopf.on.event(
        resource.group, resource.version, resource.plural, registry=registry, id=resource.plural
    )(receive)
