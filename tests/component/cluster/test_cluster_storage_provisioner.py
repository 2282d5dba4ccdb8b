"""The storage provisioner: claims get volumes, and nothing is left of those that are released."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import Match, Refuse
from builders.storage import CLAIMS, VOLUMES, Storage, a_storage
from cluster import apiclient
from cluster.storage import objects
from spectra_operator.kube.resources import EVENTS


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with a_storage(tmp_path) as made:
        yield made


async def test_a_claim_gets_a_volume_and_a_folder(storage: Storage) -> None:
    async with storage.running():
        await storage.api.wait_watched(CLAIMS, VOLUMES)
        volume = await storage.volume_of(await storage.claimed("work"))

        assert volume["spec"]["hostPath"]["path"] == str(storage.place_of(volume))
        assert storage.place_of(volume).is_dir()


async def test_a_claim_that_was_there_first_gets_its_volume_too(storage: Storage) -> None:
    claim = await storage.claimed("early")

    async with storage.running():
        assert storage.place_of(await storage.volume_of(claim)).is_dir()


async def test_a_released_volume_goes_and_so_does_its_folder(storage: Storage) -> None:
    async with storage.running():
        volume = await storage.bound("work")
        (storage.place_of(volume) / "result").write_text("gone soon")

        await storage.phase(volume, "Released")

        await storage.gone(volume)
        assert not storage.place_of(volume).exists()


async def test_a_volume_released_while_nobody_looked_goes_at_the_next_start(
    storage: Storage,
) -> None:
    async with storage.running():
        volume = await storage.bound("work")
    await storage.phase(volume, "Released")
    await storage.gate.open()

    async with storage.running():
        await storage.gone(volume)

    assert not storage.place_of(volume).exists()


async def test_a_volume_deleted_under_its_claim_stays_until_the_claim_goes(
    storage: Storage,
) -> None:
    async with storage.running():
        volume = await storage.bound("work")

        await storage.api.delete(VOLUMES, volume["metadata"]["name"])
        # What comes after it has been handled, so the deletion has been seen.
        await storage.gone(await storage.phase(await storage.bound("later"), "Released"))
        assert storage.place_of(volume).is_dir()

        await storage.phase(volume, "Released")
        await storage.gone(volume)
        assert not storage.place_of(volume).exists()


async def test_a_retained_volume_leaves_its_folder(storage: Storage) -> None:
    async with storage.running():
        volume = await storage.bound("work")
        name = volume["metadata"]["name"]
        policy = {"spec": {"persistentVolumeReclaimPolicy": "Retain"}}
        await storage.api.patch(VOLUMES, name, policy)
        await storage.phase(volume, "Released")

        await storage.api.delete(VOLUMES, name)

        await storage.gone(volume)
        assert storage.place_of(volume).is_dir()


async def test_a_claim_that_cannot_be_served_is_told_why_and_others_go_on(
    storage: Storage,
) -> None:
    async with storage.running():
        block = await storage.claimed("block", volumeMode="Block")
        event = await storage.api.wait_for(EVENTS, lambda body: True)
        await storage.volume_of(await storage.claimed("work"))

        assert event["involvedObject"]["uid"] == block["metadata"]["uid"]
        assert "use Filesystem" in event["message"]
        assert len(await storage.api.objects(VOLUMES)) == 1


async def test_a_volume_that_is_refused_is_asked_for_again(storage: Storage) -> None:
    refusal = Refuse(500, "InternalError")
    storage.api.fault(Match(verb="create", plural="persistentvolumes"), refusal, times=2)

    async with storage.running():
        await storage.volume_of(await storage.claimed("work"))

        assert storage.api.count("create", "persistentvolumes") == 3


async def test_a_claim_that_fails_each_time_does_not_hold_up_the_others(storage: Storage) -> None:
    claim = await storage.claimed("a-broken")
    storage.folder.mkdir()
    (storage.folder / f"pvc-{claim['metadata']['uid']}").write_text("a file in the way")

    async with storage.running():
        await storage.volume_of(await storage.claimed("b-sound"))

        (storage.folder / f"pvc-{claim['metadata']['uid']}").unlink()
        await storage.volume_of(claim)


async def test_a_change_between_look_and_write_is_seen_and_the_write_done_again(
    storage: Storage,
) -> None:
    async with storage.running():
        volume = await storage.bound("work")
        conflict = Refuse(409, "Conflict")
        storage.api.fault(Match(verb="update", plural="persistentvolumes"), conflict)
        await storage.phase(volume, "Released")
        await storage.api.wait_until(
            lambda: storage.api.count("update", "persistentvolumes") == 1,
        )

        labels = {"metadata": {"labels": {"changed": "yes"}}}
        await storage.api.patch(VOLUMES, volume["metadata"]["name"], labels)

        await storage.gone(volume)


async def test_it_goes_on_after_the_api_server_was_restarted(storage: Storage) -> None:
    async with storage.running():
        volume = await storage.bound("before")
        await storage.gate.shut()
        meanwhile = await storage.claimed("meanwhile")
        await storage.phase(volume, "Released")
        await storage.gate.open()

        await storage.volume_of(meanwhile)
        await storage.gone(volume)
        await storage.volume_of(await storage.claimed("after"))


@pytest.mark.parametrize("trouble", ["ended", "cut", "cut in a line", "expired"])
async def test_nothing_is_missed_when_a_watch_breaks(storage: Storage, trouble: str) -> None:
    async with storage.running():
        await storage.api.wait_watched(CLAIMS, VOLUMES)
        breaks = {
            "ended": storage.api.end_watches,
            "cut": storage.api.drop_watches,
            "cut in a line": storage.api.drop_watches_in_mid_line,
            "expired": lambda: storage.api.fail_watches(ApiFailure(410, "Expired", "too old")),
        }
        breaks[trouble]()

        await storage.volume_of(await storage.claimed("work"))


async def test_a_server_that_takes_a_watch_s_connection_and_says_nothing_is_given_up(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apiclient, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = str(mute.getsockname()[1])
        text = storage.kubeconfig.read_text().replace(str(storage.gate.port), port)
        storage.kubeconfig.write_text(text)
        events = apiclient.ApiClient(storage.kubeconfig).watch("/api/v1/pods", 3600)

        with pytest.raises(OSError, match="timed out"):
            await asyncio.to_thread(next, events)


@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_a_list_or_watch_that_is_refused_is_tried_again(storage: Storage, verb: str) -> None:
    storage.api.fault(Match(verb, "persistentvolumeclaims"), Refuse(503, "ServiceUnavailable"), 2)

    async with storage.running():
        await storage.volume_of(await storage.claimed("work"))

        await storage.api.wait_until(lambda: storage.api.count(verb, "persistentvolumeclaims") == 3)


async def test_the_process_ends_with_a_traceback_when_something_unforeseen_happens(
    storage: Storage,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cluster.storage"),
        *("--kubeconfig", str(storage.kubeconfig), "--folder", str(storage.folder)),
        stderr=asyncio.subprocess.PIPE,
    )
    await storage.api.wait_watched(CLAIMS, VOLUMES)
    meta = {"name": "strange", "annotations": {objects.ASKED_OF: objects.PROVISIONER}}

    await storage.api.create(CLAIMS, {"metadata": meta})

    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"KeyError: 'spec'" in said
    assert b"following /api/v1/persistentvolumeclaims has ended" in said


async def test_at_rest_it_asks_for_nothing_but_its_two_watches(storage: Storage) -> None:
    async with storage.running():
        await storage.bound("work")
        await storage.api.wait_watched(CLAIMS, VOLUMES)
        verbs = [entry.call.verb for entry in storage.api.log if entry.call.plural != "events"]

        assert sorted(verbs) == ["create", "list", "list", "watch", "watch"]
