"""Runs an example's workflow in this process: resolves its paths, calls its handlers."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from spectra_agent import Task, contract, registry, runner, script

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
PATH = re.compile(r"\$\{([^}]*)\}")


def documents(path: Path) -> list[dict[str, Any]]:
    """The objects of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def resolve(value: Any, scope: Mapping[str, Any]) -> Any:
    """Replace ``${a.b}`` by values; a text that is one reference keeps the value's type."""
    if isinstance(value, dict):
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, str):
        return value
    whole = PATH.fullmatch(value)
    if whole:
        return copy.deepcopy(_look_up(whole[1], scope))
    return PATH.sub(lambda match: str(_look_up(match[1], scope)), value)


def _look_up(path: str, scope: Mapping[str, Any]) -> Any:
    return reduce(lambda found, name: found[name], path.split("."), scope)


def in_order(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Phases or tasks so that each comes after what it depends on."""
    done: list[str] = []
    left = list(nodes)
    while left:
        ready = [node for node in left if set(node.get("dependsOn", [])) <= set(done)]
        if not ready:
            raise ValueError(f"cycle among {[node['name'] for node in left]}")
        done += [node["name"] for node in ready]
        left = [node for node in left if node not in ready]
    return [next(node for node in nodes if node["name"] == name) for name in done]


@dataclass
class Foundation:
    """The foundation example, loaded into this process.

    Attributes:
        agents: Agent name to its handlers.
        modules: The example's shared modules by name.
        workflow: The workflow's spec.
    """

    agents: dict[str, dict[str, registry.Handler]]
    modules: dict[str, ModuleType]
    workflow: dict[str, Any]
    results: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def run(self, **parameters: Any) -> dict[str, dict[str, Any]]:
        """Run every task as the operator would; the outputs by phase and task."""
        values = {item["name"]: item["value"] for item in self.workflow["parameters"]}
        scope: dict[str, Any] = {"parameters": {**values, **parameters}, "phases": {}}
        for phase in in_order(self.workflow["phases"]):
            tasks: dict[str, Any] = {}
            for task in in_order(phase["tasks"]):
                given = resolve(task.get("input", {}), {**scope, "tasks": tasks})
                outputs = self.call(task["agent"], task["name"], given, phase["name"])
                tasks[task["name"]] = {"outputs": outputs}
            scope["phases"][phase["name"]] = {
                "outputs": {name: task["outputs"] for name, task in tasks.items()}
            }
        return {name: phase["outputs"] for name, phase in scope["phases"].items()}

    def call(self, agent: str, name: str, given: Any, phase: str = "") -> Any:
        """Call one handler with its input; its outputs, through the contract's JSON."""
        returned = self.agents[agent][name](Task(name, json.loads(json.dumps(given)), phase=phase))
        self.results[phase, name] = contract.encode(runner.as_result(returned))
        return json.loads(self.results[phase, name]).get("outputs", {})


def load_foundation(patch: pytest.MonkeyPatch) -> Foundation:
    """Load each agent's file with a registry of its own, as its pod does."""
    objects = documents(EXAMPLES / "foundation" / "foundation.yaml")
    agents = {}
    for agent in objects:
        if agent["kind"] == "Agent":
            patch.setattr(registry, "_handlers", {})
            script.load(str(EXAMPLES / "foundation" / Path(command(agent)[-1]).name))
            agents[agent["metadata"]["name"]] = registry.handlers()
    [workflow] = [found["spec"] for found in objects if found["kind"] == "Workflow"]
    shared = {name: sys.modules[name] for name in ("codec", "data", "dedupe", "store")}
    return Foundation(agents, shared, workflow)


def command(agent: Mapping[str, Any]) -> list[str]:
    """The command of an Agent's container."""
    words: list[str] = agent["spec"]["template"]["command"]
    return words
