"""What kopf is told to do, and above all what not to."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import kopf
import pytest

from spectra_operator.handlers.app import make_registry, make_settings
from spectra_operator.handlers.login import make_login
from spectra_operator.handlers.storages import NoDiffBase, NoProgress
from spectra_operator.kube.resources import Body

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://example.invalid:6443"}}]
users: [{name: u, user: {token: secret}}]
"""


class _Intake:
    def __init__(self) -> None:
        self.offered: list[Body] = []
        self.dropped: list[Body] = []

    def offer(self, body: Body) -> None:
        self.offered.append(body)

    def drop(self, body: Body) -> None:
        self.dropped.append(body)


async def _login(**_: Any) -> None:
    return None


def test_kopf_posts_nothing_scans_nothing_and_has_no_peers() -> None:
    settings = make_settings()
    assert settings.peering.standalone
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.queueing.worker_limit is None


def test_only_kinds_that_finish_are_watched_by_a_selector() -> None:
    selectors: Any = make_settings().watching.label_selectors
    assert {(s.group, s.any_name): text for s, text in selectors.items()} == {
        ("spectra.dev", "actions"): "!spectra.dev/finished",
        ("spectra.dev", "phases"): "!spectra.dev/finished",
        ("spectra.dev", "workflows"): "!spectra.dev/finished",
    }


def test_each_kind_has_one_intake_handler_and_nothing_else() -> None:
    registry = make_registry(_Intake(), _login)
    handlers = registry._watching.get_all_handlers()
    kinds = ["actions", "agents", "phases", "schedules", "workflows", "workflowtemplates"]
    assert sorted(handler.id for handler in handlers) == kinds
    assert registry._spawning.get_all_handlers() == []  # no timers, no daemons
    assert registry._indexing.get_all_handlers() == []
    assert registry._changing.get_all_handlers() == []


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", None])
async def test_an_object_that_exists_is_offered_with_its_kind(kind: str | None) -> None:
    intake = _Intake()
    handler = next(
        h for h in make_registry(intake, _login)._watching.get_all_handlers() if h.id == "phases"
    )
    receive: Any = handler.fn
    await receive(event={"type": kind, "object": {"metadata": {"name": "x"}}})
    assert intake.offered == [
        {"apiVersion": "spectra.dev/v1alpha1", "kind": "Phase", "metadata": {"name": "x"}}
    ]
    assert intake.dropped == []


async def test_an_object_that_is_gone_is_dropped() -> None:
    intake = _Intake()
    handler = next(
        h for h in make_registry(intake, _login)._watching.get_all_handlers() if h.id == "agents"
    )
    receive: Any = handler.fn
    await receive(event={"type": "DELETED", "object": {"metadata": {"name": "x"}}})
    assert [body["kind"] for body in intake.dropped] == ["Agent"]
    assert intake.offered == []


def test_the_storages_remember_nothing() -> None:
    body = kopf.Body({"metadata": {"name": "x"}, "spec": {"a": 1}})
    essence: Any = {"spec": {"a": 1}}
    diffbase, progress = NoDiffBase(), NoProgress()
    patch = kopf.Patch()
    diffbase.store(body=body, patch=patch, essence=essence)
    progress.store(key="k", record={}, body=body, patch=patch)
    progress.purge(key="k", body=body, patch=patch)
    progress.touch(body=body, patch=patch, value="now")
    assert patch == {}
    assert diffbase.fetch(body=body) is None
    assert progress.fetch(key="k", body=body) is None
    assert diffbase.build(body=body) == {}
    assert progress.clear(essence=essence) is essence


async def test_kopf_logs_in_by_the_kubeconfig_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", "/elsewhere")
    found = await make_login(str(path))(logger=logging.getLogger("test"), settings=make_settings())
    assert (found.server, found.token) == ("https://example.invalid:6443", "secret")


async def test_outside_of_a_pod_and_without_a_kubeconfig_there_is_no_login() -> None:
    assert (
        await make_login(None)(logger=logging.getLogger("test"), settings=make_settings()) is None
    )
