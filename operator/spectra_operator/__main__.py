"""Wiring: settings, clients, engine, Leases, kopf, health. `spectra-operator run` starts it."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import uvloop

from .api.constants import ANNOTATION_ADDRESS
from .commands import access_of, check, kubeconfig_of, parser, release, served_one
from .config import Config, ConfigError, load
from .dispatch.auth import TokenAuthenticator
from .dispatch.server import WorkerApiServer
from .engine.correlation import concerns
from .engine.engine import Engine
from .engine.insides import ails, insides, waits_for
from .engine.measures import count_request
from .engine.served import wait_until_served
from .engine.settings import EngineSettings
from .engine.shards import ShardKeeper
from .handlers.admission import make_server, mounted_server
from .handlers.app import run_kopf
from .handlers.login import make_login
from .handlers.webhook_certificate import CertificateKeeper, WebhookPlace
from .kube.client import AiohttpClient
from .kube.clock import SystemClock
from .kube.lease import LeaseLock, LeaseTimes
from .kube.scope import ScopedClient
from .observability.debug_page import Table, a_table
from .observability.debug_server import DebugServer
from .observability.health import HealthServer
from .observability.level_file import LevelFile
from .observability.logs import Correlation, set_up, tell_of_failure
from .observability.loop_lag import LoopLag
from .observability.metrics import Metrics
from .observability.prometheus import PrometheusClient
from .observability.tracing import MissingLibraryError, OtlpSender, TraceExporter

logger = logging.getLogger(__name__)

JSON_DEPTH = 25_000
"""The API server takes JSON nested 10,000 deep; one such object must not end the process that
reads it, be it in kopf or here. It is rejected by a check that does not recurse."""


def main() -> None:
    """Run the command given on the command line."""
    arguments = parser().parse_args()
    try:
        config = load()
    except ConfigError as error:
        sys.exit(f"spectra-operator: {error}")
    correlation = set_up(config.log_level, config.log_format)
    sys.setrecursionlimit(JSON_DEPTH)
    try:
        uvloop.run(_command(config, arguments, correlation))
    except Exception:
        logger.exception("%s failed", arguments.command)
        sys.exit(1)


def _command(
    config: Config, arguments: argparse.Namespace, correlation: Correlation
) -> Coroutine[Any, Any, None]:
    if arguments.command == "release":
        return release(config, arguments.namespace, arguments.stop)
    if arguments.command == "check":
        return check(config, arguments.url)
    return _run(config, correlation)


async def _run(config: Config, correlation: Correlation) -> None:
    asyncio.get_running_loop().set_exception_handler(tell_of_failure)
    metrics = Metrics()
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            ScopedClient(
                access_of(config),
                config.watch_namespaces,
                connections=config.concurrency + 8,
                on_request=partial(count_request, metrics),
            )
        )
        lease_client = await stack.enter_async_context(
            AiohttpClient(access_of(config), request_seconds=5.0)
        )
        settings = EngineSettings(
            shards=config.shards,
            concurrency=config.concurrency,
            identity=config.identity,
            resync_seconds=config.resync_seconds,
            worker_url=config.worker_url,
            namespaces=config.watch_namespaces,
            content_namespaces=config.content_namespaces,
            prometheus_addresses=frozenset(config.prometheus_addresses.split(",")) - {""},
        )
        prometheus = await stack.enter_async_context(PrometheusClient())
        spans = _spans(config, clock, metrics)
        engine = Engine(client, clock, metrics, settings, prometheus, spans)
        correlation.concerns = concerns(engine.parts.store)
        keeper = ShardKeeper(
            engine, config.shards, lambda name: _lock(lease_client, name, clock, config)
        )
        engine.terms.holder_address = keeper.address
        if config.worker_url:
            tokens = TokenAuthenticator(client, clock)
            workers = WorkerApiServer(engine.desk, tokens, metrics, (None, config.worker_port))
            await workers.start()
            stack.push_async_callback(workers.stop)
        lag = LoopLag(clock.monotonic, clock.sleep, metrics.loop_lag.observe)
        health = HealthServer(
            config.health_port,
            metrics,
            lambda: ails(engine, lag.worst()),
            lambda: waits_for(engine),
        )
        debug = DebugServer(
            config.debug_port,
            lambda: (*insides(engine, clock, lag.worst()), *_tracing(spans)),
        )
        for server in (health, debug):
            await server.start()
            stack.push_async_callback(server.stop)
        served = wait_until_served(client, clock, served_one(config))
        shell = _Shell(engine, config)
        if config.webhook_service and not config.webhook_certificate_folder:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spectra-"))
            place = WebhookPlace(config.namespace, config.webhook_service)
            shell.certificate = CertificateKeeper(lease_client, clock, place, Path(folder))
        beside = [lag.run()]
        if spans is not None:
            stack.push_async_callback(spans.close)
            beside.append(spans.run())
        if config.log_level_file:
            file = Path(config.log_level_file)
            beside.append(LevelFile(file, config.log_level, clock.sleep).run())
        for each in beside:
            stack.callback(asyncio.create_task(each).cancel)
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
        login, stop = make_login(kubeconfig_of(self._config)), asyncio.Event()
        namespaces = self._config.watch_namespaces
        if self.certificate is None:
            folder = self._config.webhook_certificate_folder
            mounted = mounted_server(self._config.webhook_port, Path(folder)) if folder else None
            await run_kopf(self._engine, login, stop, self.ready, mounted, namespaces)
            return
        await self.certificate.prepare()
        server = make_server(self._config.webhook_port, self.certificate.file)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.certificate.run())
            group.create_task(run_kopf(self._engine, login, stop, self.ready, server, namespaces))


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
    }
    tasks = [signals, *(asyncio.create_task(part, name=name) for name, part in parts.items())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await keeper.release()  # before the Leases' own task is cancelled, which gives nothing back
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not stop.is_set():
        for task in done:
            error = None if task.cancelled() else task.exception()
            logger.error("%s ended by itself", task.get_name(), exc_info=error)
        raise SystemExit(1)


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


def _spans(config: Config, clock: SystemClock, metrics: Metrics) -> TraceExporter | None:
    if not config.otlp_endpoint:
        return None
    try:
        version = metadata.version("spectra-operator")
        names = {"name": "spectra-operator", "version": version, "instance.id": config.identity}
        resource = {f"service.{name}": value for name, value in names.items()}
        sender = OtlpSender(config.otlp_endpoint, resource)
    except MissingLibraryError as error:
        raise SystemExit(f"spectra-operator: {error}") from error
    return TraceExporter(
        sender,
        clock.monotonic,
        clock.sleep,
        count=lambda outcome, spans: metrics.spans[(outcome,)].inc(spans),
    )


def _tracing(spans: TraceExporter | None) -> Iterator[Table]:
    if spans is not None:
        rows = (("waiting", len(spans)), ("sent", spans.sent), ("lost", spans.lost))
        yield a_table("spans", ("spans", "value"), rows)


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


if __name__ == "__main__":
    main()
