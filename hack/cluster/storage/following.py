"""Following a collection of objects for ever: list, watch, and from the start after any break."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing

from cluster.apiclient import ApiClient
from cluster.errors import ClusterError
from cluster.storage.objects import Body

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
# A connection whose other end is gone without a word is noticed after this long at the latest.
WATCH_SECONDS = 3600

Handle = Callable[[Body], None]


def follow(
    client: ApiClient, collection: str, handle: Handle, pause: Callable[[float], bool]
) -> None:
    """Hand over every object of a collection, then each that is new or changed.

    An object whose handling failed is handed over again, with all others, after a pause.

    Args:
        client: Talks to the API server.
        collection: The collection's path.
        handle: Acts on one object; the same one may come again.
        pause: Waits for so many seconds and tells whether to end, as ``Event.wait`` does.
    """
    while True:
        try:
            _follow_once(client, collection, handle)
        except (OSError, ClusterError) as error:
            LOG.warning("following %s: %s", collection, error)
        if pause(RETRY_SECONDS):
            return


def _follow_once(client: ApiClient, collection: str, handle: Handle) -> None:
    """List and watch until the watch ends or an object could not be handled."""
    listing = client.get(collection)
    if listing is None:
        raise ClusterError("the API server refused the list")
    handled = [_handled(handle, item) for item in listing["items"]]
    if not all(handled):
        return
    version = listing["metadata"]["resourceVersion"]
    query = f"watch=1&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}"
    with closing(client.watch(f"{collection}?{query}", WATCH_SECONDS)) as events:
        for event in events:
            if event["type"] == "ERROR":
                raise ClusterError(f"the watch ended: {event['object'].get('message')}")
            if event["type"] != "DELETED" and not _handled(handle, event["object"]):
                return


def _handled(handle: Handle, item: Body) -> bool:
    try:
        handle(item)
    except (OSError, ClusterError) as error:
        LOG.warning("%s: %s", item["metadata"]["name"], error)
        return False
    return True
