"""The real kopf serves the webhook by TLS, as the API server calls it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import kopf
import pytest

from builders.fake_api.server import FakeApi
from builders.specs import a_step, a_task, a_workflow, an_agent
from spectra_operator.api.constants import GROUP, VERSION
from spectra_operator.engine.keys import RESOURCES
from spectra_operator.handlers.admission import REVIEWED, make_server, mounted_server
from spectra_operator.handlers.app import run_kopf
from spectra_operator.kube.certificates import Pair, issue
from spectra_operator.kube.resources import Body, Resource

PATIENCE = 20.0
CYCLE = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]


class _Intake:
    def offer(self, body: Body) -> None:
        pass

    def drop(self, body: Body) -> None:
        pass


class Webhook:
    """The served webhook, called as by an API server that trusts it."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._root = f"https://localhost:{port}"

    async def says(self, body: Body, old: Body | None = None) -> Body:
        """Return the response to the creation, or with `old` the change, of an object."""
        plural = next(p for p, kind in REVIEWED.items() if kind == body["kind"])
        request = {
            "uid": "u-1",
            "resource": {"group": GROUP, "version": VERSION, "resource": plural},
            "operation": "UPDATE" if old else "CREATE",
            "userInfo": {"username": "ada", "uid": "", "groups": []},
            "object": body,
            "oldObject": old,
            "dryRun": False,
        }
        review = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": request,
        }
        async with self._session.post(f"{self._root}/{plural}", json=review) as response:
            answer: Body = await response.json()
            found: Body = answer["response"]
            assert found["uid"] == "u-1"
            return found


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _one_file(port: int, folder: Path, pair: Pair) -> kopf.WebhookServer:
    file = folder / "pair.pem"
    file.write_bytes(pair.certificate + pair.key)
    return make_server(port, file)


def _two_mounted_files(port: int, folder: Path, pair: Pair) -> kopf.WebhookServer:
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    return mounted_server(port, folder)


@asynccontextmanager
async def a_webhook(
    folder: Path, served: Callable[[int, Path, Pair], kopf.WebhookServer] = _one_file
) -> AsyncIterator[Webhook]:
    """Run kopf with its webhook; enter it in the test itself (see test_kopf_intake)."""
    pair, port = issue(["localhost"], datetime.now(UTC)), _free_port()
    trust = ssl.create_default_context(cadata=pair.certificate.decode())
    async with FakeApi() as api, aiohttp.TCPConnector(ssl=trust) as connector:
        kinds = (Resource(GROUP, VERSION, plural, kind) for plural, kind in REVIEWED.items())
        api.register(*RESOURCES.values(), *kinds)

        async def login(**_: Any) -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=api.url)

        ready = asyncio.Event()
        server = served(port, folder, pair)
        running = asyncio.create_task(
            run_kopf(_Intake(), login, asyncio.Event(), ready, webhook=server)
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await ready.wait()
                await api.wait_watched(*RESOURCES.values())
                async with aiohttp.ClientSession(connector=connector) as session:
                    await _listening(port)
                    yield Webhook(session, port)
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _listening(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("localhost", port)
        except OSError:
            await asyncio.sleep(0)
            continue
        writer.close()
        return


def a_bad_workflow() -> Body:
    return a_workflow([a_step("work", CYCLE)])


def a_template(*phases: Body) -> Body:
    return a_workflow(phases) | {"kind": "WorkflowTemplate"}


async def test_a_sound_workflow_is_let_in(tmp_path: Path) -> None:
    async with a_webhook(tmp_path) as webhook:
        assert (await webhook.says(a_workflow()))["allowed"] is True


async def test_a_certificate_that_somebody_else_mounts_is_served(tmp_path: Path) -> None:
    async with a_webhook(tmp_path, _two_mounted_files) as webhook:
        assert (await webhook.says(a_workflow()))["allowed"] is True


async def test_an_agent_is_refused_for_what_its_rollout_would_stumble_over(
    tmp_path: Path,
) -> None:
    good = an_agent(rollout={"analysis": {"conditions": ["failureRatio < 0.1"]}})
    bad = an_agent(rollout={"analysis": {"conditions": ["failures < 3"]}})
    async with a_webhook(tmp_path) as webhook:
        assert (await webhook.says(good))["allowed"] is True
        answer = await webhook.says(bad, old=good)

    assert answer["allowed"] is False
    assert answer["status"]["message"].startswith("spec.rollout.analysis.conditions[0]: there is")


async def test_a_cycle_is_refused_with_the_field_and_the_fix(tmp_path: Path) -> None:
    async with a_webhook(tmp_path) as webhook:
        answer = await webhook.says(a_bad_workflow())

    assert answer["allowed"] is False
    assert answer["status"] == {
        "code": 422,
        "message": "spec.phases[work].tasks[a].dependsOn: the tasks wait for each other: "
        "a -> b -> a; remove one dependency",
    }


async def test_a_template_is_reviewed_too(tmp_path: Path) -> None:
    async with a_webhook(tmp_path) as webhook:
        answer = await webhook.says(a_template(a_step("work", CYCLE)))

    assert "wait for each other" in answer["status"]["message"]


async def test_what_got_in_while_nobody_looked_can_still_be_let_go(tmp_path: Path) -> None:
    old = a_template(a_step("work", CYCLE))
    new = old | {"metadata": old["metadata"] | {"finalizers": []}}
    async with a_webhook(tmp_path) as webhook:
        assert (await webhook.says(new, old=old))["allowed"] is True


async def test_a_change_for_the_worse_is_refused(tmp_path: Path) -> None:
    async with a_webhook(tmp_path) as webhook:
        answer = await webhook.says(a_template(a_step("work", CYCLE)), old=a_template())

    assert answer["allowed"] is False


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("x" * 800_000, "spec: has 8"),
        (None, "spec: nests deeper than 96 levels"),
    ],
    ids=["large", "deep"],
)
async def test_what_costs_too_much_to_look_at_is_refused_unread(
    tmp_path: Path, value: Any, says: str
) -> None:
    for _ in range(200):
        value = value if isinstance(value, str) else [value]
    async with a_webhook(tmp_path) as webhook:
        answer = await webhook.says(a_workflow([a_step("work", [a_task(input={"v": value})])]))

    assert answer["status"]["message"].startswith(says)


async def test_a_refusal_is_told_as_information_and_not_as_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with a_webhook(tmp_path) as webhook:
        await webhook.says(a_bad_workflow())

    told = [r for r in caplog.records if "refused Workflow" in r.getMessage()]
    assert [(r.name.rsplit(".", 1)[-1], r.levelname) for r in told] == [("admission", "INFO")]
    assert "team/flow of ada" in told[0].getMessage()
