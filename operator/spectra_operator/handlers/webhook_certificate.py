"""The webhook's certificate: one for all replicas, in a Secret, trusted by the API server.

The first replica that finds the Secret empty fills it; the others take what is there. What the
API server trusts stands in the webhook's configuration, beside the certificate of before, so that
a replica that has not yet seen the new one is still believed.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..kube.certificates import Pair, fault, is_certificate, issue
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import Conflict, KubeError
from ..kube.resources import SECRETS, VALIDATING_WEBHOOKS, Body

logger = logging.getLogger(__name__)

CHECK_SECONDS = 3600.0
"""How often the Secret and the configuration are looked at; between checks nothing is asked."""
RETRY_SECONDS = 15.0
CERTIFICATE, KEY, PREVIOUS = "tls.crt", "tls.key", "previous.crt"


@dataclass(frozen=True, slots=True)
class WebhookPlace:
    """Where the webhook is served.

    Attributes:
        namespace: The operator's own namespace.
        service: The Service in front of all replicas; the Secret has the same name.
    """

    namespace: str
    service: str

    @property
    def configuration(self) -> str:
        """Name of the ValidatingWebhookConfiguration."""
        return f"{self.namespace}.{self.service}"

    @property
    def host(self) -> str:
        """The name that the API server calls."""
        return f"{self.service}.{self.namespace}.svc"


class CertificateKeeper:
    """Keeps a file with certificate and key up to the Secret, and the API server's trust."""

    def __init__(self, client: KubeClient, clock: Clock, place: WebhookPlace, folder: Path) -> None:
        self._client = client
        self._clock = clock
        self._place = place
        self._pause = CHECK_SECONDS
        self.file = folder / "webhook.pem"

    async def prepare(self) -> None:
        """Write the file, with the shared certificate if it can be had.

        The webhook is a help and not a need: without the Secret it is served with a certificate
        that nobody trusts yet, and `run` goes on trying.
        """
        await self._check()
        if not self.file.exists():
            self._write(issue([self._place.host], self._clock.now()))

    async def run(self) -> None:
        """Keep file, Secret and trust in step until cancelled."""
        while True:
            await self._clock.sleep(self._pause)
            await self._check()

    async def _check(self) -> None:
        try:
            secret = await self._secret()
            self._write(_pair_of(secret))
            await self._make_trusted(secret)
        except KubeError as error:
            logger.warning("the admission webhook's certificate: %s; trying again", error)
            self._pause = RETRY_SECONDS
        else:
            self._pause = CHECK_SECONDS

    async def _secret(self) -> Body:
        """Return the Secret with a certificate that is well, made now if need be."""
        while True:
            secret = await self._client.get(SECRETS, self._place.namespace, self._place.service)
            now, old = self._clock.now(), _pair_of(secret)
            why = fault(old, [self._place.host], now)
            if not why:
                return secret
            new = issue([self._place.host], now)
            data = {CERTIFICATE: new.certificate, KEY: new.key, PREVIOUS: old.certificate}
            filled = secret | {"data": {name: _encode(value) for name, value in data.items()}}
            name = secret["metadata"]["name"]
            try:
                stored = await self._client.replace(SECRETS, self._place.namespace, name, filled)
            except Conflict:
                continue  # another replica was faster; its certificate holds
            told = why if old.certificate else "there was none"
            logger.info("made a certificate for the admission webhook: %s", told)
            return stored

    async def _make_trusted(self, secret: Body) -> None:
        """Have the API server believe the certificate, and the one before it."""
        both = (_pair_of(secret).certificate, _value(secret, PREVIOUS))
        bundle = _encode(b"".join(pem for pem in both if is_certificate(pem)))
        while True:
            found = await self._client.get(VALIDATING_WEBHOOKS, None, self._place.configuration)
            if all(hook["clientConfig"].get("caBundle") == bundle for hook in found["webhooks"]):
                return
            for hook in found["webhooks"]:
                hook["clientConfig"]["caBundle"] = bundle
            name = self._place.configuration
            try:
                await self._client.replace(VALIDATING_WEBHOOKS, None, name, found)
            except Conflict:
                continue
            return

    def _write(self, pair: Pair) -> None:
        """Write both into one file in one step: a reader must never see half of a change."""
        content = pair.certificate + pair.key
        if self.file.exists() and self.file.read_bytes() == content:
            return
        fresh = self.file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(self.file)


def _pair_of(secret: Body) -> Pair:
    return Pair(_value(secret, CERTIFICATE), _value(secret, KEY))


def _value(secret: Body, name: str) -> bytes:
    data: Mapping[str, str] = secret.get("data") or {}
    try:
        return base64.b64decode(data.get(name, ""), validate=True)
    except binascii.Error:
        return b""


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()
