"""The process: its command line, its settings, its event loop."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Coroutine
from typing import Any

import uvloop

from .commands import check, parser, release
from .config import Config, ConfigError, load
from .observability.logs import Correlation, set_up
from .wiring import run

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
    return run(config, correlation)
