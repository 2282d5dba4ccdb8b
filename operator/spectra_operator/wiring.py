"""Wiring: clients, engine, Leases, servers, and what runs beside them, from the settings."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

from .commands import access_of, served_one
from .config import Config
from .dispatch.auth import TokenAuthenticator
from .dispatch.server import WorkerApiServer
from .engine.correlation import concerns
from .engine.engine import Engine
from .engine.insides import ails, insides, waits_for
from .engine.leases import LeaseRoom
from .engine.measures import count_request
from .engine.served import wait_until_served
from .engine.settings import EngineSettings
from .engine.shards import KeepsShards
from .engine.sharing import keeper_of
from .handlers.webhook_certificate import CertificateKeeper, WebhookPlace
from .kube.client import AiohttpClient
from .kube.clock import SystemClock
from .kube.lease_record import LeaseTimes
from .kube.scope import ScopedClient
from .lifetime import Shell, growing, until_stopped
from .observability.debug_page import Table, a_table
from .observability.debug_server import DebugServer
from .observability.health import HealthServer
from .observability.level_file import LevelFile
from .observability.logs import Correlation, tell_of_failure
from .observability.loop_lag import LoopLag
from .observability.metrics import Metrics
from .observability.prometheus import PrometheusClient
from .observability.tracing import MissingLibraryError, OtlpSender, TraceExporter

LEASE_REQUEST_SECONDS = 5.0
"""A renewal that takes longer is of no use, and has connections of its own."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything stands on. `leases` is a client that nothing else can hold up."""

    config: Config
    clock: SystemClock
    metrics: Metrics
    client: AiohttpClient
    leases: AiohttpClient


async def run(config: Config, correlation: Correlation) -> None:
    """Run the operator until a signal comes."""
    asyncio.get_running_loop().set_exception_handler(tell_of_failure)
    async with AsyncExitStack() as stack:
        ground = await _ground(stack, config)
        prometheus = await stack.enter_async_context(PrometheusClient())
        spans = _spans_of(ground)
        engine = Engine(
            ground.client, ground.clock, ground.metrics, _settings(config), prometheus, spans
        )
        correlation.concerns = concerns(engine.parts.store)
        keeper = keeper_of(engine, _lease_room(ground))
        engine.terms.holder_address = keeper.address
        await _serve_workers(stack, ground, engine)
        lag = LoopLag(ground.clock.monotonic, ground.clock.sleep, ground.metrics.loop_lag.observe)
        await _serve_people(stack, ground, engine, keeper, lag, spans)
        shell = Shell(engine, config)
        shell.certificate = _certificate(stack, ground)
        _run_beside(stack, ground, lag, spans)
        served = wait_until_served(ground.client, ground.clock, served_one(config))
        await until_stopped(engine, keeper, shell, served)


async def _ground(stack: AsyncExitStack, config: Config) -> _Ground:
    metrics = Metrics()
    client = ScopedClient(
        access_of(config),
        config.watch_namespaces,
        connections=config.concurrency + 8,
        on_request=partial(count_request, metrics),
    )
    leases = AiohttpClient(access_of(config), request_seconds=LEASE_REQUEST_SECONDS)
    return _Ground(
        config,
        SystemClock(),
        metrics,
        await stack.enter_async_context(client),
        await stack.enter_async_context(leases),
    )


def _settings(config: Config) -> EngineSettings:
    return EngineSettings(
        shards=config.shards,
        concurrency=config.concurrency,
        identity=config.identity,
        resync_seconds=config.resync_seconds,
        worker_url=config.worker_url,
        namespaces=config.watch_namespaces,
        content_namespaces=config.content_namespaces,
        prometheus_addresses=frozenset(config.prometheus_addresses.split(",")) - {""},
        growing=growing,
    )


async def _serve_workers(stack: AsyncExitStack, ground: _Ground, engine: Engine) -> None:
    """Serve the worker API, if workers are told where it is."""
    config = ground.config
    if not config.worker_url:
        return
    tokens = TokenAuthenticator(ground.client, ground.clock)
    server = WorkerApiServer(engine.desk, tokens, ground.metrics, (None, config.worker_port))
    await server.start()
    stack.push_async_callback(server.stop)


async def _serve_people(
    stack: AsyncExitStack,
    ground: _Ground,
    engine: Engine,
    keeper: KeepsShards,
    lag: LoopLag,
    spans: TraceExporter | None,
) -> None:
    """Serve probes, metrics and the status page."""
    health = HealthServer(
        ground.config.health_port,
        ground.metrics,
        lambda: ails(engine, lag.worst()),
        lambda: waits_for(engine),
    )
    debug = DebugServer(
        ground.config.debug_port,
        lambda: (
            *insides(engine, ground.clock, lag.worst()),
            *keeper.tables(),
            *_tracing(spans),
        ),
    )
    for server in (health, debug):
        await server.start()
        stack.push_async_callback(server.stop)


def _certificate(stack: AsyncExitStack, ground: _Ground) -> CertificateKeeper | None:
    """Return who keeps the webhook's certificate, if there is a webhook and nobody else does."""
    config = ground.config
    if not config.webhook_service or config.webhook_certificate_folder:
        return None
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spectra-"))
    place = WebhookPlace(config.namespace, config.webhook_service)
    return CertificateKeeper(ground.leases, ground.clock, place, Path(folder))


def _run_beside(
    stack: AsyncExitStack, ground: _Ground, lag: LoopLag, spans: TraceExporter | None
) -> None:
    """Run what nothing waits for until the end."""
    config, beside = ground.config, [lag.run()]
    if spans is not None:
        stack.push_async_callback(spans.close)
        beside.append(spans.run())
    if config.log_level_file:
        file = Path(config.log_level_file)
        beside.append(LevelFile(file, config.log_level, ground.clock.sleep).run())
    for each in beside:
        stack.callback(asyncio.create_task(each).cancel)


def _spans_of(ground: _Ground) -> TraceExporter | None:
    config, clock = ground.config, ground.clock
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
        count=lambda outcome, spans: ground.metrics.spans[(outcome,)].inc(spans),
    )


def _tracing(spans: TraceExporter | None) -> Iterator[Table]:
    if spans is not None:
        rows = (("waiting", len(spans)), ("sent", spans.sent), ("lost", spans.lost))
        yield a_table("spans", ("spans", "value"), rows)


def _lease_room(ground: _Ground) -> LeaseRoom:
    config, seconds = ground.config, ground.config.lease_seconds
    times = LeaseTimes(
        duration=seconds,
        renew_deadline=seconds * 2 / 3,
        retry_period=seconds * 2 / 15,
        margin=seconds / 5,
    )
    return LeaseRoom(
        ground.leases,
        config.namespace,
        config.identity,
        ground.clock,
        times,
        config.shards,
        _own_address(config) if config.address else "",
    )


def _own_address(config: Config) -> str:
    host = f"[{config.address}]" if ":" in config.address else config.address
    return f"http://{host}:{config.worker_port}"
