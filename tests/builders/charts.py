"""Looking at what Helm makes of the chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Body = dict[str, Any]
Render = Callable[..., list[Body]]


def of_kind(bodies: Iterable[Body], kind: str) -> list[Body]:
    """Return the objects of a kind."""
    return [body for body in bodies if body["kind"] == kind]


def the(bodies: Iterable[Body], kind: str, name: str) -> Body:
    """Return the one object of a kind and a name."""
    (found,) = [b for b in of_kind(bodies, kind) if b["metadata"]["name"] == name]
    return found


def pod_specs(bodies: Iterable[Body]) -> dict[str, Body]:
    """Return the specs of all pods that the objects lead to, by kind and name."""
    return {
        f"{body['kind']} {body['metadata']['name']}": spec
        for body in bodies
        if (spec := _pod_spec(body)) is not None
    }


def pod_template(body: Body) -> Body:
    """Return the metadata and spec of the pods of a workload, or a pod itself."""
    template: Body = body if body["kind"] == "Pod" else body["spec"]["template"]
    return template


def restricted_violations(spec: Body) -> list[str]:
    """What the Pod Security Standard `restricted` has against a pod's spec."""
    pod, found = spec.get("securityContext", {}), []
    found += [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "projected", "secret"}
    found += [f"volume {v['name']}" for v in spec.get("volumes", ()) if not {*v} & allowed]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        own = container.get("securityContext", {})
        both = pod | own
        found += ["privileged"] * bool(own.get("privileged"))
        found += ["escalation"] * (own.get("allowPrivilegeEscalation") is not False)
        found += ["root"] * (both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0)
        found += ["capabilities"] * (own.get("capabilities") != {"drop": ["ALL"]})
        found += ["seccomp"] * (both.get("seccompProfile") != {"type": "RuntimeDefault"})
        found += ["host port"] * any("hostPort" in p for p in container.get("ports", ()))
    return found


def _pod_spec(body: Body) -> Body | None:
    if body["kind"] in ("Deployment", "Job", "Pod"):
        spec: Body = pod_template(body)["spec"]
        return spec
    return None
