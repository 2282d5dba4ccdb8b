"""One cluster and one operator for all tests of a run; a namespace for each test."""

from __future__ import annotations

import fcntl
import re
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from builders.cluster import LocalCluster
from e2e.harness import installation
from e2e.harness.dump import said
from e2e.harness.following import Follower
from e2e.harness.operators import FOLLOWED as OPERATOR_KINDS
from e2e.harness.operators import Operators
from e2e.harness.play import FOLLOWED, OURS, Play
from e2e.harness.plugin import Plugin, environment
from spectra_operator.kube.access import ClusterAccess, load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import NAMESPACES

HERE = Path(__file__).parent
TEST_SECONDS = 180
NOTE = "note"
UNSEEN = {"spectra.dev/disable-validation": "true"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "spectra-test": "e2e"}


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of tests that need a place of their own kind."""
    config.addinivalue_line("markers", "alone: no other test may run at the same time")
    config.addinivalue_line("markers", "without_webhook: what is applied is let in unseen")
    config.addinivalue_line("markers", "redefining: CustomResourceDefinitions are replaced")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; those that need quiet come last."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))
        # A TLS connection of a cancelled watch closes a moment after the test has ended; pytest
        # then blames whichever test runs next.
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))
        item.add_marker(
            pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
        )
    items.sort(key=lambda item: item.get_closest_marker("alone") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show how the namespace stood when a test failed, what was said, and where the logs are."""
    report = yield
    play = getattr(item, "funcargs", {}).get("play")
    if report.when == "call" and report.failed and isinstance(play, Play):
        logs = play.cluster.folder / "logs"
        words = said(logs / "pods", play.namespace, installation.NAMESPACE)
        text = f"{play.dump()}\n{words}\nlogs: {logs}/pods, {logs}/*.log"
        report.sections.append(("how it stood", text))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests measured."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == NOTE and report.when == "call":
                    terminalreporter.write_line(f"measured: {text}")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def cluster(run_folder: Path) -> LocalCluster:
    """The cluster with the operator in it; the first worker makes it ready, the others wait."""
    found = LocalCluster()
    with _locked(run_folder / "prepare.lock", fcntl.LOCK_EX):
        stamp = run_folder / "prepared"
        if not stamp.exists():
            installation.prepare(found)
            stamp.touch()
    return found


@pytest.fixture(autouse=True)
def _turn(
    request: pytest.FixtureRequest, cluster: LocalCluster, run_folder: Path
) -> Iterator[None]:
    """Tests share the operator; one that is marked `alone` waits for the others to end."""
    alone = request.node.get_closest_marker("alone") is not None
    with _locked(run_folder / "turn.lock", fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
        yield


@pytest.fixture(scope="session")
def access(cluster: LocalCluster) -> ClusterAccess:
    """The way to the cluster, as its administrator."""
    return load_access(str(cluster.kubeconfig))


@pytest_asyncio.fixture
async def client(access: ClusterAccess) -> AsyncIterator[AiohttpClient]:
    """A client with the rights of an administrator."""
    async with AiohttpClient(access) as made:
        yield made


@pytest_asyncio.fixture
async def play(
    request: pytest.FixtureRequest,
    cluster: LocalCluster,
    access: ClusterAccess,
    client: AiohttpClient,
) -> AsyncIterator[Play]:
    """A scenario in a namespace of its own, which enforces the restricted pod security standard."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_")).strip("-")
    name = f"e2e-{words[:40].rstrip('-')}-{uuid.uuid4().hex[:5]}"
    # A label that is there from the start; the API server hears of a later one with a delay.
    unseen = UNSEEN if request.node.get_closest_marker("without_webhook") else {}
    body: dict[str, Any] = {"metadata": {"name": name, "labels": RESTRICTED | unseen}}
    await client.create(NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace"} | body)
    redefined = OURS if request.node.get_closest_marker("redefining") else ()
    async with Follower(access, name, FOLLOWED, redefined=redefined).running() as world:
        await world.until("the namespace is ready", lambda: world.get("ServiceAccount", "default"))
        yield Play(cluster, client, world)
    await installation.remove_namespace(client, name)


@pytest.fixture
def spectra(play: Play, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """`kubectl spectra` in the namespace of the scenario."""
    for name, value in environment(play.cluster.kubeconfig, play.cluster.kubectl_path).items():
        monkeypatch.setenv(name, value)
    return Plugin(play)


@pytest_asyncio.fixture
async def operators(cluster: LocalCluster, access: ClusterAccess) -> AsyncIterator[Operators]:
    """The operator's own pods, all of them ready."""
    namespace = installation.NAMESPACE
    async with Follower(access, namespace, OPERATOR_KINDS).running() as world:
        found = Operators(cluster, world)
        await found.settled()
        yield found


@pytest.fixture
def killing(run_folder: Path) -> Iterator[None]:
    """Tests that kill the operator do so one after the other; all others go on meanwhile."""
    with _locked(run_folder / "killing.lock", fcntl.LOCK_EX):
        yield


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say something that is printed at the end of the run, whatever the test's outcome."""
    return lambda text: record_property(NOTE, text)


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield
