"""Replicas agree on one certificate through a Secret, and have the API server trust it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders.clock import FakeClock
from builders.fake_api.faults import Match, Refuse
from builders.fake_api.server import FakeApi
from spectra_operator.handlers.webhook_certificate import (
    CHECK_SECONDS,
    RETRY_SECONDS,
    CertificateKeeper,
    WebhookPlace,
)
from spectra_operator.kube.certificates import RENEW_BEFORE, VALID, Pair, fault, issue
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import SECRETS, VALIDATING_WEBHOOKS, Body

PLACE = WebhookPlace("default", "spectra-operator-webhook")
CONFIGURATION = "default.spectra-operator-webhook"


def a_secret(**data: bytes) -> Body:
    """The Secret as the chart makes it, or with something in it."""
    body: Body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": PLACE.service}}
    encoded = {k.replace("_", "."): base64.b64encode(v).decode() for k, v in data.items()}
    return body | ({"data": encoded} if data else {})


def a_configuration() -> Body:
    hooks = [{"name": f"{x}.spectra.dev", "clientConfig": {"service": {}}} for x in ("a", "b")]
    api_version = "admissionregistration.k8s.io/v1"
    meta = {"name": CONFIGURATION}
    return {
        "apiVersion": api_version,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": meta,
        "webhooks": hooks,
    }


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(VALIDATING_WEBHOOKS, has_status=False)
        yield api


@pytest.fixture
async def client(api: FakeApi) -> AsyncIterator[AiohttpClient]:
    async with AiohttpClient(api.access()) as client:
        await client.create(VALIDATING_WEBHOOKS, None, a_configuration())
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Replica:
    """A keeper and what it has written."""

    def __init__(self, client: AiohttpClient, clock: FakeClock, folder: Path) -> None:
        folder.mkdir()
        self.keeper = CertificateKeeper(client, clock, PLACE, folder)

    @property
    def served(self) -> bytes:
        """What the server loads: certificate and key."""
        return self.keeper.file.read_bytes()


@asynccontextmanager
async def running(replica: Replica, clock: FakeClock) -> AsyncIterator[None]:
    """Run a keeper; the block begins when it sleeps until its next check."""
    task = asyncio.create_task(replica.keeper.run())
    await clock.settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def stored(client: AiohttpClient) -> dict[str, bytes]:
    data: dict[str, str] = (await client.get(SECRETS, "default", PLACE.service))["data"]
    return {name: base64.b64decode(text) for name, text in data.items()}


async def bundles(client: AiohttpClient) -> list[bytes]:
    found: Any = await client.get(VALIDATING_WEBHOOKS, None, CONFIGURATION)
    return [base64.b64decode(hook["clientConfig"]["caBundle"]) for hook in found["webhooks"]]


async def test_the_first_replica_fills_the_secret_and_has_it_trusted(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path
) -> None:
    await client.create(SECRETS, "default", a_secret())
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    data = await stored(client)
    pair = Pair(data["tls.crt"], data["tls.key"])
    assert fault(pair, ["spectra-operator-webhook.default.svc"], clock.now()) == ""
    assert one.served == pair.certificate + pair.key
    assert await bundles(client) == [pair.certificate] * 2


async def test_the_second_replica_takes_what_is_there(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path
) -> None:
    await client.create(SECRETS, "default", a_secret())
    one, two = (Replica(client, clock, tmp_path / name) for name in ("one", "two"))

    await one.keeper.prepare()
    await two.keeper.prepare()

    assert one.served == two.served


async def test_of_two_that_fill_it_at_once_one_wins_and_the_other_follows(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path, api: FakeApi
) -> None:
    await client.create(SECRETS, "default", a_secret())
    api.fault(
        Match(verb="update", plural="secrets"), Refuse(409, "Conflict", "the object was modified")
    )
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    assert (await stored(client))["tls.crt"] in one.served
    assert api.count(verb="update", plural="secrets") == 2


async def test_the_file_is_for_nobody_else_to_read(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path
) -> None:
    await client.create(SECRETS, "default", a_secret())
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    assert one.keeper.file.stat().st_mode & 0o077 == 0


async def test_a_certificate_near_its_end_is_renewed_and_the_old_one_still_trusted(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path
) -> None:
    old = issue([PLACE.host], clock.now() - VALID + RENEW_BEFORE - timedelta(days=1))
    await client.create(SECRETS, "default", a_secret(tls_crt=old.certificate, tls_key=old.key))
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    data = await stored(client)
    assert data["tls.crt"] != old.certificate
    assert data["previous.crt"] == old.certificate
    assert await bundles(client) == [data["tls.crt"] + old.certificate] * 2


@pytest.mark.parametrize("rubbish", [b"", b"not a certificate"])
async def test_rubbish_in_the_secret_is_replaced_and_never_trusted(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path, rubbish: bytes
) -> None:
    await client.create(SECRETS, "default", a_secret(tls_crt=rubbish, tls_key=rubbish))
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    assert await bundles(client) == [(await stored(client))["tls.crt"]] * 2


async def test_what_is_not_even_base64_is_replaced(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path
) -> None:
    await client.create(SECRETS, "default", a_secret() | {"data": {"tls.crt": "%%%"}})
    one = Replica(client, clock, tmp_path / "one")

    await one.keeper.prepare()

    assert (await stored(client))["tls.crt"] in one.served


async def test_without_the_secret_it_is_served_all_the_same_and_tried_again(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path, api: FakeApi
) -> None:
    one = Replica(client, clock, tmp_path / "one")
    await one.keeper.prepare()
    alone = one.served
    await client.create(SECRETS, "default", a_secret())

    async with running(one, clock):
        clock.advance(RETRY_SECONDS)
        await api.wait_until(
            lambda: api.count(verb="update", plural=VALIDATING_WEBHOOKS.plural) > 0
        )

    assert one.served != alone
    assert (await stored(client))["tls.crt"] in one.served


async def test_trust_that_somebody_took_away_comes_back_with_the_next_check(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path, api: FakeApi
) -> None:
    await client.create(SECRETS, "default", a_secret())
    one = Replica(client, clock, tmp_path / "one")
    await one.keeper.prepare()
    found = await client.get(VALIDATING_WEBHOOKS, None, CONFIGURATION)
    changed = found | {"webhooks": a_configuration()["webhooks"]}
    await client.replace(VALIDATING_WEBHOOKS, None, CONFIGURATION, changed)
    before = api.count(verb="update", plural=VALIDATING_WEBHOOKS.plural)

    async with running(one, clock):
        clock.advance(CHECK_SECONDS)
        await api.wait_until(
            lambda: api.count(verb="update", plural=VALIDATING_WEBHOOKS.plural) > before
        )

    assert await bundles(client) == [(await stored(client))["tls.crt"]] * 2


async def test_a_check_that_finds_all_well_writes_nothing(
    client: AiohttpClient, clock: FakeClock, tmp_path: Path, api: FakeApi
) -> None:
    await client.create(SECRETS, "default", a_secret())
    one = Replica(client, clock, tmp_path / "one")
    await one.keeper.prepare()
    writes = api.count(verb="update")

    await one.keeper.prepare()

    assert api.count(verb="update") == writes
