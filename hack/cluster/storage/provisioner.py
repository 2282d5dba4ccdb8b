"""Acting on one claim or one volume: as often as told, and each time to the same end."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from pathlib import Path

from cluster.apiclient import ApiClient
from cluster.storage import folders, objects
from cluster.storage.objects import Body

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Provisioner:
    """Gives claims their volumes, and takes back those that no claim holds.

    Attributes:
        client: Talks to the API server.
        folder: Under which each volume has its folder.
    """

    client: ApiClient
    folder: Path

    def provide(self, claim: Body) -> None:
        """Give a claim its volume, if it waits for one of ours.

        Raises:
            ClusterError: The API server refused the volume.
            OSError: The API server can't be reached, or the folder can't be made.
        """
        if not objects.wants_volume(claim):
            return
        name = f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
        reason = objects.refusal(claim)
        if reason:
            LOG.warning("claim %s is refused: %s", name, reason)
            self._tell(claim, reason)
            return
        volume = objects.volume_for(claim, self.folder)
        folders.make(self.folder, volume["metadata"]["name"])
        self.client.create(objects.VOLUMES, volume)
        LOG.info("claim %s has the volume %s", name, volume["metadata"]["name"])

    def reclaim(self, volume: Body) -> None:
        """Take one step towards a volume's end, if no claim holds it.

        Raises:
            ClusterError: The API server refused, or the volume's name is not one of ours.
            OSError: The API server can't be reached, or the folder can't be removed.
        """
        name = volume["metadata"]["name"]
        path = f"{objects.VOLUMES}/{name}"
        if objects.is_to_be_deleted(volume):
            self.client.delete(path)
            return
        if not objects.is_to_be_let_go(volume):
            return
        if objects.erases(volume):
            folders.erase(self.folder, name)
        if self.client.replace(path, objects.without_finalizer(volume)):
            LOG.info("volume %s is gone", name)

    def _tell(self, claim: Body, reason: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/api/v1/namespaces/{claim['metadata']['namespace']}/events"
        self.client.create(path, objects.refused_event(claim, reason, now))
