"""What the demo says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.closing import look_further
from demo.tools import Tools


@pytest.mark.parametrize(
    ("cluster", "hints"),
    [
        ("spectra", ["make demo", "make demo-down"]),
        ("mine", ["make demo CLUSTER=mine", "make demo-down CLUSTER=mine"]),
    ],
)
def test_the_hints_are_about_the_cluster_of_the_demo(cluster: str, hints: list[str]) -> None:
    commands = look_further(Tools(cluster, "kubectl", "helm", Path("kubeconfig")))

    said = [command.partition("#")[0].strip() for command in commands]
    assert [command for command in said if command.startswith("make")] == hints
