"""The raw limit: how many plain Lease patches a second the API server takes from one client."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import LEASES


@dataclass(frozen=True, slots=True)
class RawLimit:
    """Patches a second, and the seconds that each took."""

    rate: float
    each: list[float]


async def raw_limit(
    access: ClusterAccess, namespace: str, at_once: int, seconds: float
) -> RawLimit:
    """Patch so many Leases, each one as soon as its last patch was answered."""
    each: list[float] = []
    async with AiohttpClient(access, connections=at_once) as client:
        names = [f"raw-{number}" for number in range(at_once)]
        for name in names:
            meta = {"name": name, "namespace": namespace}
            body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": meta}
            await client.create(LEASES, namespace, body)
        begin = time.monotonic()

        async def write(name: str) -> None:
            while (began := time.monotonic()) < begin + seconds:
                patch = {"metadata": {"annotations": {"spectra.dev/raw": "x" * 400 + str(began)}}}
                await client.patch(LEASES, namespace, name, patch)
                each.append(time.monotonic() - began)

        await asyncio.gather(*map(write, names))
        took = time.monotonic() - begin
        for name in names:
            await client.delete(LEASES, namespace, name)
    return RawLimit(len(each) / took, each)
