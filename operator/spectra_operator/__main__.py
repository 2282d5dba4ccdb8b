"""Wiring: settings, clients, engine, Leases, kopf, health. `spectra-operator run` starts it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from .api.constants import ANNOTATION_ADDRESS
from .config import Config, ConfigError, load
from .dispatch.auth import TokenAuthenticator
from .dispatch.server import WorkerApiServer
from .engine.engine import Engine
from .engine.measures import count_request
from .engine.release import release_all
from .engine.served import wait_until_served
from .engine.settings import EngineSettings
from .engine.shards import ShardKeeper
from .handlers.admission import make_server
from .handlers.app import run_kopf
from .handlers.login import make_login
from .handlers.webhook_certificate import CertificateKeeper, WebhookPlace
from .kube.access import load_access
from .kube.client import AiohttpClient
from .kube.clock import SystemClock
from .kube.lease import LeaseLock, LeaseTimes
from .observability.health import HealthServer
from .observability.logs import set_up
from .observability.loop_lag import measure_lag
from .observability.metrics import Metrics
from .observability.prometheus import PrometheusClient

logger = logging.getLogger(__name__)

JSON_DEPTH = 25_000
"""The API server takes JSON nested 10,000 deep; one such object must not end the process that
reads it, be it in kopf or here. It is rejected by a check that does not recurse."""
SILENT_WATCH_SECONDS = 150.0
"""Servers send a bookmark about every minute; a watch silent for longer is dead."""


def main() -> None:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(prog="spectra-operator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator")
    release = commands.add_parser(
        "release", help="take the operator's finalizer off all pods, before it is uninstalled"
    )
    release.add_argument("--namespace", default=None, help="only this namespace")
    arguments = parser.parse_args()
    try:
        config = load()
    except ConfigError as error:
        sys.exit(f"spectra-operator: {error}")
    set_up(config.log_level, config.log_format)
    sys.setrecursionlimit(JSON_DEPTH)
    if arguments.command == "release":
        uvloop.run(_release(config, arguments.namespace))
    else:
        uvloop.run(_run(config))


async def _release(config: Config, namespace: str | None) -> None:
    async with AiohttpClient(_access(config)) as client:
        count = await release_all(client, namespace)
    logger.info("released %d pods", count)


async def _run(config: Config) -> None:
    metrics = Metrics()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            AiohttpClient(
                _access(config),
                connections=config.concurrency + 8,
                on_request=partial(count_request, metrics),
            )
        )
        lease_client = await stack.enter_async_context(
            AiohttpClient(_access(config), request_seconds=5.0)
        )
        settings = EngineSettings(
            shards=config.shards,
            concurrency=config.concurrency,
            identity=config.identity,
            resync_seconds=config.resync_seconds,
            worker_url=config.worker_url,
            content_namespaces=config.content_namespaces,
            prometheus_addresses=frozenset(config.prometheus_addresses.split(",")) - {""},
        )
        prometheus = await stack.enter_async_context(PrometheusClient())
        engine = Engine(client, clock, metrics, settings, prometheus)
        keeper = ShardKeeper(
            engine, config.shards, lambda name: _lock(lease_client, name, clock, config)
        )
        engine.holder_address = keeper.address
        if config.worker_url:
            tokens = TokenAuthenticator(client, clock)
            workers = WorkerApiServer(engine.desk, tokens, metrics, (None, config.worker_port))
            await workers.start()
            stack.push_async_callback(workers.stop)
        health = HealthServer(
            config.health_port, metrics, lambda: _alive(engine), lambda: _ready(engine)
        )
        await health.start()
        stack.push_async_callback(health.stop)
        served = wait_until_served(client, clock)
        shell = _Shell(engine, config)
        if config.webhook_service:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spectra-"))
            place = WebhookPlace(config.namespace, config.webhook_service)
            shell.certificate = CertificateKeeper(lease_client, clock, place, Path(folder))
        await _until_stopped(engine, keeper, shell, served)


class _Shell:
    """kopf, with the admission webhook if there is to be one."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine = engine
        self._config = config
        self.certificate: CertificateKeeper | None = None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled."""
        login, stop = make_login(_kubeconfig(self._config)), asyncio.Event()
        if self.certificate is None:
            await run_kopf(self._engine, login, stop, self.ready)
            return
        await self.certificate.prepare()
        server = make_server(self._config.webhook_port, self.certificate.file)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.certificate.run())
            group.create_task(run_kopf(self._engine, login, stop, self.ready, server))


async def _until_stopped(
    engine: Engine, keeper: ShardKeeper, shell: _Shell, served: Coroutine[Any, Any, None]
) -> None:
    """Run everything until a signal comes; any part that ends by itself ends the process."""
    stop = asyncio.Event()
    signals = asyncio.create_task(_signals(stop, shell.ready), name="signals")
    waiting = asyncio.create_task(served, name="kinds")
    await asyncio.wait([signals, waiting], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        waiting.cancel()
        return
    gc.collect()
    gc.freeze()  # what stands by now stays; to look through it again and again stops the loop
    parts = {
        "engine": engine.run(),
        "leases": keeper.run(),
        "kopf": shell.run(),
        "loop lag": measure_lag(engine.parts.metrics.loop_lag.observe),
    }
    tasks = [signals, *(asyncio.create_task(part, name=name) for name, part in parts.items())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await keeper.release()  # before the Leases' own task is cancelled, which gives nothing back
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not stop.is_set():
        names = ", ".join(task.get_name() for task in done)
        errors = [e for e in (t.exception() for t in done if not t.cancelled()) if e]
        raise SystemExit(f"spectra-operator: {names} ended by itself: {errors}")


async def _signals(stop: asyncio.Event, kopf_ready: asyncio.Event) -> None:
    """Return when the process is asked to stop.

    kopf takes the signals for itself when it starts, and would take seconds to stop before the
    Leases are given back; so they are taken again after that.
    """
    for _ in range(2):
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, kopf_ready)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    await stop.wait()


def _access(config: Config) -> Any:
    return load_access(_kubeconfig(config), None)


def _kubeconfig(config: Config) -> str | None:
    return config.kubeconfig or os.environ.get("KUBECONFIG") or None


def _lock(client: AiohttpClient, name: str, clock: SystemClock, config: Config) -> LeaseLock:
    seconds = config.lease_seconds
    times = LeaseTimes(
        duration=seconds,
        renew_deadline=seconds * 2 / 3,
        retry_period=seconds * 2 / 15,
        margin=seconds / 5,
    )
    return LeaseLock(
        client,
        namespace=config.namespace,
        name=name,
        identity=config.identity,
        clock=clock,
        times=times,
        annotations={ANNOTATION_ADDRESS: _own_address(config)} if config.address else None,
    )


def _own_address(config: Config) -> str:
    host = f"[{config.address}]" if ":" in config.address else config.address
    return f"http://{host}:{config.worker_port}"


def _alive(engine: Engine) -> str:
    silence = engine.pods.seconds_since_activity()
    if engine.pods.synced.is_set() and silence > SILENT_WATCH_SECONDS:
        return f"the pod watch has been silent for {silence:.0f} s"
    return ""


def _ready(engine: Engine) -> str:
    waits = "waits for the pod cache, or for the CRDs to be installed"
    return "" if engine.pods.synced.is_set() else waits


if __name__ == "__main__":
    main()
