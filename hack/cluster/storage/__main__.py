"""The process ``storage`` of a local cluster: ``python -m cluster.storage``."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from cluster.apiclient import ApiClient
from cluster.storage import objects
from cluster.storage.following import Handle, follow
from cluster.storage.provisioner import Provisioner


def run(kubeconfig: Path, folder: Path) -> int:
    """Serve claims until something unforeseen happens, whose traceback goes to the log.

    The process then ends, which ``status`` shows and ``up`` repairs.
    """
    ended: SimpleQueue[tuple[str, Exception]] = SimpleQueue()
    never = threading.Event()

    def serve(collection: str, client: ApiClient, handle: Handle) -> None:
        try:
            follow(client, collection, handle, never.wait)
        except Exception as error:
            ended.put((collection, error))

    # A connection each, as a client is not for concurrent use.
    for collection in (objects.CLAIMS, objects.VOLUMES):
        client = ApiClient(kubeconfig)
        made = Provisioner(client, folder)
        handle = made.provide if collection == objects.CLAIMS else made.reclaim
        threading.Thread(target=serve, args=(collection, client, handle), daemon=True).start()
    collection, error = ended.get()
    logging.error("following %s has ended", collection, exc_info=error)
    return 1


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m cluster.storage", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="how to reach the cluster")
    parser.add_argument("--folder", type=Path, required=True, help="where volumes are made")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    return run(arguments.kubeconfig, arguments.folder)


if __name__ == "__main__":
    sys.exit(main())
