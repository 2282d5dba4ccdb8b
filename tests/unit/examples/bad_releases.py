"""What becomes of an agent of the examples whose release fails every so many tasks."""

from __future__ import annotations

from typing import Any

from spectra_operator.api.rollout import Rollout
from unit.core.rollout.rollout_cases import Scene, settled


def env(agent: dict[str, Any]) -> dict[str, str]:
    """Return the environment of an agent's workers."""
    return {each["name"]: each["value"] for each in agent["spec"]["template"]["env"]}


def exposed(agent: dict[str, Any], rollout: Rollout) -> tuple[Scene, int]:
    """Give a release tasks until it is exposed no more; return how it ended, after how many."""
    scene = settled(rollout)
    scene.want("v2")
    used = 0
    while scene.record.exposed:
        failed = used % int(env(agent)["BROKEN_EVERY"]) == 0
        scene.end("v2", succeeded=int(not failed), failed=int(failed))
        used += 1
    return scene, used
