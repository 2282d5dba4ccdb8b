"""The operator as a process of this machine, and what it tells of itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import yaml

from bench import proc
from bench.errors import BenchError
from bench.shipped import shipped_python

T = TypeVar("T")

START_SECONDS = 60.0
POLL_SECONDS = 0.02
LOOK_SECONDS = 0.25

_SAMPLE = re.compile(r"^(\w+)\{([^}]*)\} (\S+)$", re.MULTILINE)
_HOPS = re.compile(r"^spectra_hop_latency_seconds_count (\S+)$", re.MULTILINE)
_USED = re.compile(r"^process_cpu_seconds_total (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


Ended = Callable[[], str | None]
"""Says in a sentence how a process ended by itself; None while it runs."""


class Cluster(Protocol):
    """A cluster that can be spoken to by kubectl."""

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""

    @property
    def folder(self) -> Path:
        """A folder that goes when the cluster goes."""

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run kubectl and return what it printed."""

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl beside other work and return what it printed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an operator has used since it started.

    Attributes:
        cpu: Seconds of processor time.
        starved: Seconds that it could have run and others did.
        requests: Requests to the API server, by verb and resource.
        sent: Bytes in their bodies.
        passes: Passes by kind.
        hops: Hops that it measured.
    """

    cpu: float
    starved: float
    requests: Counter[str]
    sent: float
    passes: Counter[str]
    hops: int

    def __sub__(self, before: Usage) -> Usage:
        return Usage(
            self.cpu - before.cpu,
            self.starved - before.starved,
            self.requests - before.requests,
            self.sent - before.sent,
            self.passes - before.passes,
            self.hops - before.hops,
        )


def parse_usage(told: str, cpu: float, starved: float) -> Usage:
    """Return the usage that an operator's metrics tell, in the text format of Prometheus."""
    requests: Counter[str] = Counter()
    passes: Counter[str] = Counter()
    sent = 0.0
    for name, text, value in _SAMPLE.findall(told):
        labels = dict(_LABEL.findall(text))
        if name == "spectra_api_requests_total":
            requests[f"{labels['verb']} {labels['resource']}"] += int(float(value))
        elif name == "spectra_api_request_bytes_total":
            sent += float(value)
        elif name == "spectra_reconciles_total":
            passes[labels["kind"]] += int(float(value))
    hops = int(float(_HOPS.findall(told)[0]))
    return Usage(cpu, starved, requests, sent, passes, hops)


@dataclass(frozen=True, slots=True)
class OperatorProcess:
    """A running operator; `port` is that of its probes and metrics.

    `began` is when the process was started, by the monotonic clock; `ended` says why it runs no
    more, and None while it does.
    """

    pid: int
    port: int
    began: float
    ended: Ended

    def usage(self) -> Usage:
        """Return what it has used up to now."""
        told = self._get("metrics").decode()
        return parse_usage(told, proc.cpu_seconds(self.pid), proc.starved_seconds(self.pid))

    def recent_hops(self) -> list[float]:
        """Return the last hops that it measured, in seconds; oldest first, 10,000 at most."""
        found: Any = json.loads(self._get("metrics/hops"))
        return [float(seconds) for seconds in found]

    def first_pass(self) -> float:
        """Wait until it has made a pass over anything; return when, by the monotonic clock.

        Raises:
            BenchError: It made none in a minute, or ended.
        """
        deadline = time.monotonic() + START_SECONDS
        while (now := time.monotonic()) < deadline:
            if why := self.ended():
                raise BenchError(why)
            try:
                if self.usage().passes.total():
                    return now
            except (URLError, ConnectionError, IndexError):
                pass
            time.sleep(POLL_SECONDS)
        raise BenchError(f"the operator made no pass within {START_SECONDS:.0f} s of its start")

    def _get(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=30) as answer:
            body: bytes = answer.read()
        return body


def a_free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def api_server_seconds(cluster: Cluster) -> float:
    """Return the seconds of processor time that the API server has used, as it says itself."""
    told = await cluster.kubectl("get", "--raw", "/metrics")
    return float(_USED.findall(told)[0])


def a_service_account(cluster: Cluster, namespace: str) -> Path:
    """Return a kubeconfig by which one calls as a pod does, with the token of a ServiceAccount.

    The administrator's is a client certificate, whose proof costs the API server a sixth of what a
    small write does, at each call; that of a token is remembered.
    """
    name, lasting = "perf", "--duration=4h"
    cluster.run("kubectl", "create", "serviceaccount", name, "-n", namespace)
    who = f"--serviceaccount={namespace}:{name}"
    cluster.run("kubectl", "create", "clusterrolebinding", name, "--clusterrole=cluster-admin", who)
    token = cluster.run("kubectl", "create", "token", name, "-n", namespace, lasting).strip()
    told: Any = yaml.safe_load(cluster.kubeconfig.read_text())
    told["users"] = [{"name": user["name"], "user": {"token": token}} for user in told["users"]]
    path = cluster.folder / f"{name}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(told))
    return path


@contextmanager
def an_operator(
    kubeconfig: Path, log: Path, port: int, **settings: str
) -> Iterator[OperatorProcess]:
    """Run an operator until the end of the block; settings as in `Config`, such as `worker_url`."""
    ours = {
        "kubeconfig": str(kubeconfig),
        "health_port": str(port),
        "debug_port": str(a_free_port()),
        "log_format": "console",
    }
    given = {f"SPECTRA_OPERATOR_{name.upper()}": text for name, text in (ours | settings).items()}
    command = [str(shipped_python()), "-m", "spectra_operator", "run"]
    began = time.monotonic()
    with a_process(command, log, os.environ | given) as process:
        yield OperatorProcess(process.pid, port, began, ending(process, log))


@contextmanager
def a_process(
    command: list[str], log: Path, environ: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block; what it says goes into `log`."""
    with log.open("w") as lines:
        process = subprocess.Popen(command, env=environ, stdout=lines, stderr=lines)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def ending(process: subprocess.Popen[bytes], log: Path) -> Ended:
    """Return what tells whether a process has ended, by its exit code and where its log is."""

    def ended() -> str | None:
        code = process.poll()
        return None if code is None else f"the engine ended with exit code {code}; its log: {log}"

    return ended


async def while_alive(work: Coroutine[Any, Any, T], ended: Ended) -> T:
    """Do work that waits for what a process does; returns what the work does.

    Raises:
        BenchError: The process ended before the work.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            if why := ended():
                raise BenchError(why)
        if task.exception() and (why := ended()):
            raise BenchError(why) from task.exception()
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
