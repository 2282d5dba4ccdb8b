"""The local cluster's storage provisioner at work, against the fake API server."""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from builders.fake_api.server import FakeApi
from cluster import config, pki
from cluster.apiclient import ApiClient
from cluster.storage import objects
from cluster.storage.following import Handle, follow
from cluster.storage.provisioner import Provisioner
from spectra_operator.kube.resources import Body, Resource

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
RETRY_SECONDS = 0.01


class Gate:
    """TLS in front of the fake server, which can be shut and opened again at the same port.

    Attributes:
        port: Of the loopback address; known once it has been opened.
    """

    def __init__(self, target: str, context: ssl.SSLContext) -> None:
        self.port = 0
        self._target = urlsplit(target)
        self._context = context
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_open = False

    async def open(self) -> None:
        """Let clients through."""
        self._is_open = True
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new clients and cut off the present ones; once more does nothing."""
        assert self._server is not None
        self._is_open = False
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, onward = await asyncio.open_connection(self._target.hostname, self._target.port)
        pair = {writer, onward}
        self._writers |= pair
        if not self._is_open:  # It was shut while the handshake went on.
            writer.transport.abort()
        try:
            await asyncio.gather(_pump(reader, onward), _pump(inner, writer))
        finally:
            self._writers -= pair


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except OSError:
        pass  # The other side has gone; closing ours is the answer.
    finally:
        writer.close()


class Storage:
    """A provisioner, and what a test does beside it.

    Attributes:
        api: The API server.
        gate: The provisioner's way to it; open.
        folder: Where volumes are made.
        kubeconfig: How to reach the API server through the gate.
    """

    def __init__(self, api: FakeApi, gate: Gate, place: Path) -> None:
        self.api = api
        self.gate = gate
        self.folder = place / "volumes"
        self.kubeconfig = place / "kubeconfig"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the provisioner inside the block; the gate is shut after it."""
        ending = threading.Event()
        threads: list[threading.Thread] = []
        for collection in (objects.CLAIMS, objects.VOLUMES):
            client = ApiClient(self.kubeconfig)
            made = Provisioner(client, self.folder)
            handle = made.provide if collection == objects.CLAIMS else made.reclaim
            arguments = (client, collection, handle, ending)
            threads.append(threading.Thread(target=_follow, args=arguments))
            threads[-1].start()
        try:
            yield
        finally:
            ending.set()
            await self.gate.shut()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    async def claimed(self, name: str, **spec: object) -> Body:
        """Create a claim that a pod waits for; more fields of its spec."""
        basic = {
            "storageClassName": objects.CLASS,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        }
        meta = {"name": name, "annotations": {objects.ASKED_OF: objects.PROVISIONER}}
        return await self.api.create(CLAIMS, {"metadata": meta, "spec": basic | spec})

    async def bound(self, name: str) -> Body:
        """Create a claim, wait for its volume, and bind it as the volume controller would."""
        claim = await self.claimed(name)
        volume = await self.volume_of(claim)
        await self.api.patch(CLAIMS, name, {"spec": {"volumeName": volume["metadata"]["name"]}})
        return await self.phase(volume, "Bound")

    async def volume_of(self, claim: Body) -> Body:
        """Wait for the volume of a claim."""
        uid = claim["metadata"]["uid"]
        return await self.api.wait_for(VOLUMES, lambda v: v["spec"]["claimRef"]["uid"] == uid)

    async def phase(self, volume: Body, phase: str) -> Body:
        """Give a volume a phase as the volume controller would: Released after its claim."""
        name = volume["metadata"]["name"]
        return await self.api.patch_status(VOLUMES, name, {"phase": phase})

    async def gone(self, volume: Body) -> None:
        """Wait until a volume is not there."""
        await self.api.wait_gone(VOLUMES, volume["metadata"]["name"])

    def place_of(self, volume: Body) -> Path:
        """Return a volume's folder."""
        return self.folder / str(volume["metadata"]["name"])


def _follow(client: ApiClient, collection: str, handle: Handle, ending: threading.Event) -> None:
    follow(client, collection, handle, lambda _: ending.wait(RETRY_SECONDS))
    client.close()


@asynccontextmanager
async def a_storage(place: Path) -> AsyncIterator[Storage]:
    """A provisioner that does not run yet, with an API server and certificates of its own."""
    pki.write(
        place / "pki",
        pki.leaves("node", "127.0.0.1", ("127.0.0.1",)),
        datetime.datetime.now(datetime.UTC),
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(place / "pki" / "apiserver.crt", place / "pki" / "apiserver.key")
    async with FakeApi() as api:
        api.register(CLAIMS, VOLUMES)
        gate = Gate(api.url, context)
        await gate.open()
        names = ("ca.crt", "storage.crt", "storage.key")
        credentials = config.Credentials(*((place / "pki" / name).read_bytes() for name in names))
        text = config.kubeconfig("test", f"https://127.0.0.1:{gate.port}", credentials)
        (place / "kubeconfig").write_text(text)
        try:
            yield Storage(api, gate, place)
        finally:
            await gate.shut()
