"""Pods are let go only where no operator works any more, and where there is such a namespace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from builders.engine import World
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import hangs
from builders.operator_process import a_kubeconfig
from builders.replica import SYSTEM
from builders.specs import NAMESPACE, Body, a_step, a_task, a_workflow
from spectra_operator.commands import parser, release
from spectra_operator.config import Config
from spectra_operator.engine import release_guard
from spectra_operator.engine.leases import SHARD_LEASE
from spectra_operator.engine.release_guard import (
    Installation,
    RefusedError,
    Wanted,
    release_guarded,
)
from spectra_operator.kube.resources import LEASES

ALL = Installation(SYSTEM)
OTHERS = Installation(SYSTEM, served=("elsewhere",))
SERVED = "default"
"""A namespace in which there is nothing to release."""


@pytest.fixture(autouse=True)
async def held(world: World) -> None:
    """Leave a pod that hangs."""
    world.kubelet.plan("a", hangs())
    await world.apply(a_workflow([a_step("build", [a_task("a")])]))
    await world.until(lambda: world.task_now("a").get("state") == "Running")


async def let_go(world: World, operator: Installation, wanted: Wanted | None = None) -> int:
    """Release as an administrator does."""
    client = world.operators[0].client
    return await release_guarded(client, client, world.clock, operator, wanted or Wanted())


async def released(world: World, namespace: str | None = None, operator: Installation = ALL) -> int:
    """Release, while so much time passes as that takes."""
    return await released_as(world, operator, Wanted(namespace))


async def released_as(world: World, operator: Installation, wanted: Wanted) -> int:
    """Release what is wanted, while as much time passes as that takes."""
    work = asyncio.create_task(let_go(world, operator, wanted))
    await world.until(work.done, seconds=60)
    return await work


async def write_lease(world: World, shard: int, **spec: object) -> Body:
    """Write the Lease of a shard, whoever holds it."""
    name = SHARD_LEASE.format(shard=shard)
    return await world.api.patch(LEASES, name, {"spec": spec}, SYSTEM)


@pytest.mark.parametrize("namespace", [None, NAMESPACE, SERVED])
async def test_nothing_is_let_go_while_a_leader_renews_its_lease(
    world: World, namespace: str | None
) -> None:
    with pytest.raises(RefusedError) as refused:
        await released(world, namespace)

    assert str(refused.value).startswith(
        "one still works in what is to be released: it renews Lease"
        " spectra-system/spectra-operator-shard-0. Stop the operator first"
    )
    assert ("SPECTRA_OPERATOR_WATCH_NAMESPACES" in str(refused.value)) == bool(namespace)
    assert len(world.held_pods()) == 1


async def test_where_the_lease_was_given_back_no_time_passes(world: World) -> None:
    await world.operator.stop()
    begun = world.clock.monotonic()
    assert await released(world) == 1
    assert world.clock.monotonic() == begun
    assert world.held_pods() == []


async def test_a_lease_that_was_not_given_back_is_waited_for_and_that_is_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.operator.kill()
    begun = world.clock.monotonic()
    with caplog.at_level(logging.INFO, "spectra_operator.engine.release_guard"):
        assert await released(world) == 1
    assert 15 <= world.clock.monotonic() - begun <= 16
    assert next(r.message for r in caplog.records if "release_guard" in r.name) == (
        "Lease spectra-operator-shard-0 is held by one; waiting for up to 15 s to see whether"
        " that one lives"
    )


async def test_a_leader_that_comes_back_meanwhile_is_noticed(world: World) -> None:
    world.operator.kill()
    work = asyncio.create_task(let_go(world, ALL))
    await world.during(10)
    await write_lease(world, 0, holderIdentity="two")
    await world.during(2)
    with pytest.raises(RefusedError, match="two still works"):
        await work


@pytest.mark.parametrize(
    "goes",
    [
        lambda world: world.api.delete(LEASES, SHARD_LEASE.format(shard=0), SYSTEM),
        lambda world: write_lease(world, 0, holderIdentity=""),
    ],
    ids=["deleted", "given back"],
)
async def test_a_lease_that_goes_meanwhile_is_waited_for_no_longer(
    world: World, goes: Callable[[World], asyncio.Future[object]]
) -> None:
    world.operator.kill()
    work = asyncio.create_task(let_go(world, ALL))
    await world.during(3)
    await goes(world)
    await world.during(1)
    assert await work == 1


async def test_a_namespace_that_the_operator_serves_no_more_is_released_beside_it(
    world: World,
) -> None:
    assert await released(world, NAMESPACE, OTHERS) == 1
    assert world.operator.leads()


@pytest.mark.parametrize(
    "settings",
    [Installation("ops"), Installation(SYSTEM, shards=8)],
    ids=["another namespace", "another number of shards"],
)
async def test_settings_that_are_not_the_leaders_own_let_nothing_go_beside_it(
    world: World, settings: Installation
) -> None:
    namespace = next(n for n in (NAMESPACE, SERVED, SYSTEM) if not _is_in_shard_0(settings, n))
    with pytest.raises(RefusedError) as refused:
        await released(world, namespace, settings)

    assert str(refused.value).startswith(
        "one may work in what is to be released: it renews Lease"
        " spectra-system/spectra-operator-shard-0, and in namespace"
        f" {settings.namespace} there is not every Lease that the settings name."
        " Set SPECTRA_OPERATOR_NAMESPACE and SPECTRA_OPERATOR_SHARDS to the operator's own"
    )
    assert len(world.held_pods()) == 1


async def test_what_an_operator_left_that_is_gone_with_its_leases_is_let_go(world: World) -> None:
    await world.operator.stop()
    await world.api.delete(LEASES, SHARD_LEASE.format(shard=0), SYSTEM)
    assert await released(world) == 1


async def test_who_may_not_list_leases_goes_by_those_that_the_settings_name(world: World) -> None:
    world.api.fault(Match("list", "leases"), Refuse(403, "Forbidden"), times=2)
    assert await released(world, None, Installation("ops")) == 1


async def test_an_uninstall_of_one_release_does_not_wait_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopped(*_: object) -> bool:
        return True

    monkeypatch.setattr(release_guard, "stop_operator", stopped)
    assert await released_as(world, Installation("ops"), Wanted(None, "operator")) == 1
    assert world.operator.leads()


async def test_a_deployment_that_is_not_there_proves_nothing(world: World) -> None:
    with pytest.raises(RefusedError, match="one may work in what is to be released"):
        await released_as(world, Installation("ops"), Wanted(None, "no-such"))
    assert len(world.held_pods()) == 1


async def test_a_lease_that_a_larger_number_of_shards_left_proves_nothing(world: World) -> None:
    for shard in range(1, 8):
        lease = await world.api.get(LEASES, SHARD_LEASE.format(shard=0), SYSTEM)
        spec = lease["spec"] | {"holderIdentity": ""}
        meta = {"name": SHARD_LEASE.format(shard=shard), "namespace": SYSTEM}
        await world.api.create(LEASES, {"kind": "Lease", "metadata": meta, "spec": spec})
    with pytest.raises(RefusedError, match="one may work in what is"):
        await released(world, NAMESPACE, Installation(SYSTEM, shards=8))
    assert len(world.held_pods()) == 1


async def test_what_an_operator_serves_does_not_narrow_where_leaders_are_looked_for(
    world: World, tmp_path: Path
) -> None:
    kubeconfig = str(a_kubeconfig(tmp_path, world.api.access().server))
    config = Config(kubeconfig=kubeconfig, namespace="ops", watch_namespaces=(NAMESPACE,))
    looked = Match("list", "leases")
    work = asyncio.create_task(release(config, NAMESPACE, ""))
    await world.until(lambda: any(looked(entry.call) for entry in world.api.log) or work.done())
    assert not work.done(), "a leader is at work, so it waits"
    assert None in {e.call.namespace for e in world.api.log if looked(e.call)}
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert len(world.held_pods()) == 1


async def test_a_namespace_that_does_not_exist_is_told_and_nobody_is_stopped(world: World) -> None:
    with pytest.raises(RefusedError, match="namespace missing does not exist"):
        await let_go(world, OTHERS, Wanted("missing", "operator"))
    assert world.api.count("patch", "deployments") == 0


async def test_without_the_right_to_look_for_a_namespace_what_is_held_proves_that_it_exists(
    world: World,
) -> None:
    world.api.fault(Match("get", "namespaces"), Refuse(403, "Forbidden"), times=2)
    assert await released(world, NAMESPACE, OTHERS) == 1
    with pytest.raises(RefusedError, match="not known whether it exists: grant get on namespaces"):
        await released(world, NAMESPACE, OTHERS)


async def test_the_command_ends_with_the_reason(world: World, tmp_path: Path) -> None:
    config = Config(kubeconfig=str(a_kubeconfig(tmp_path, world.api.access().server)))
    with pytest.raises(SystemExit) as ended:
        await release(config, "missing", "")
    assert ended.value.code == "spectra-operator: namespace missing does not exist"


async def test_the_command_names_the_right_that_it_lacks(world: World, tmp_path: Path) -> None:
    world.api.fault(Match("list", "pods"), Refuse(403, "Forbidden", "pods is forbidden"), times=1)
    kubeconfig = str(a_kubeconfig(tmp_path, world.api.access().server))
    config = Config(kubeconfig=kubeconfig, watch_namespaces=("elsewhere",))
    with pytest.raises(SystemExit) as ended:
        await release(config, NAMESPACE, "")
    assert str(ended.value.code).endswith("install.md has for such a namespace")
    assert "pods is forbidden" in str(ended.value.code)


def test_the_command_takes_no_empty_name_of_a_namespace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["release", "--namespace", ""])
    assert "--namespace: is empty; name a namespace" in capsys.readouterr().err


async def test_the_command_lets_go_what_its_operator_does_not_serve(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kubeconfig = str(a_kubeconfig(tmp_path, world.api.access().server))
    with caplog.at_level(logging.INFO, "spectra_operator.commands"):
        config = Config(kubeconfig=kubeconfig, watch_namespaces=("elsewhere",))
        await release(config, NAMESPACE, "")
    assert caplog.messages == ["released 1 pods"]


def _is_in_shard_0(settings: Installation, namespace: str) -> bool:
    return SHARD_LEASE.format(shard=0) in settings.leases_of(namespace) and settings.shards > 1


def test_only_the_leases_of_what_is_released_count() -> None:
    shards = [SHARD_LEASE.format(shard=shard) for shard in range(4)]
    some = Installation("system", 4, served=("team-a", "team-b"))
    assert Installation("system", 4).leases_of(None) == shards
    assert len(Installation("system", 4).leases_of("team-a")) == 1
    assert some.leases_of("team-a") == Installation("system", 4).leases_of("team-a")
    assert some.leases_of("team-c") == []
    each = {*some.leases_of("team-a"), *some.leases_of("team-b")}
    assert some.leases_of(None) == sorted(each)
