"""submit: create workflows, with what they need, and stay until one ends if asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import click

from spectra_operator.api.constants import API_VERSION

from .. import completing, submitting, watching
from ..cluster import Body
from ..documents import Document, check, of_kind, read
from ..errors import UsageProblem
from ..kinds import BY_NAME, PHASES, TEMPLATES, WORKFLOWS
from ..output import machine, machine_option
from ..session import Session, cluster_options
from ..targets import Target, fetch_template, parse_template
from ..values import pairs, with_values
from .common import ALL, TIMEOUT, end_as


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--from",
    "template",
    metavar="template/NAME",
    shell_complete=completing.templates,
    help="Make the workflow from a WorkflowTemplate of the cluster.",
)
@click.option("--name", help="Name of the workflow; with --from one is made up if left out.")
@click.option("--generate-name", is_flag=True, help="Let the cluster add letters to the name.")
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a parameter. May come often.",
)
@click.option("-w", "--watch", is_flag=True, help="Show it until it ends; exit 1 if it fails.")
@ALL
@TIMEOUT
@machine_option("name")
@cluster_options
@click.pass_obj
def submit(session: Session, /, file: str | None, template: str | None, **options: Any) -> None:
    """Create the workflows in FILE, or one from a template.

    FILE is linted first. Agents, templates and other objects in it are applied, and then the
    workflows created, which must not exist; nothing is sent before the cluster has said that it
    would take them. FILE may be - for standard input.
    """
    if (file is None) == (template is None):
        raise UsageProblem("give FILE, or --from template/NAME")
    if options["watch"] and options["output"]:
        raise UsageProblem("--watch draws for people; leave out -o")
    given = pairs(options["parameters"], "-p")
    rename = partial(_named, name=options["name"], generate=options["generate_name"])
    if template is not None:
        bodies = [rename(_from_template(session, parse_template(template), given))]
    else:
        bodies = _from_file(session, str(file), given, rename, options)
    made = [submitting.create(session.cluster, body) for body in bodies]
    _say(session, made, options["output"])
    if options["watch"]:
        everything, seconds = options["everything"], options["timeout"]
        target = _target(made[0])
        end_as(watching.show_until_end(session, target, everything=everything, seconds=seconds))


def _from_file(
    session: Session,
    file: str,
    given: Mapping[str, str],
    rename: Callable[[Body], Body],
    options: Mapping[str, Any],
) -> list[Body]:
    """Return the workflows to create, when all that they need has been applied."""
    documents = read([file], given)
    parts = submitting.parts_of(session.cluster, documents, file)
    if len(parts.runs) > 1:
        _check_one(file, len(parts.runs), given, options)
    bodies = [_body(session, documents, run, given) for run in parts.runs]
    if given:
        filled = [replace(run, body=b) for run, b in zip(parts.runs, bodies, strict=True)]
        check([*filled, *(document for _, document in parts.needed)])
    bodies = [rename(body) for body in bodies]
    if parts.needed or len(bodies) > 1:
        for body in bodies:
            submitting.create(session.cluster, body, dry=True)
    for kind, document in parts.needed:
        word = session.cluster.apply(kind, document.body)
        if not options["output"]:
            session.say(f"{kind.title(document.body['metadata']['name'])} {word}")
    return bodies


def _check_one(file: str, count: int, given: Mapping[str, str], options: Mapping[str, Any]) -> None:
    """Refuse options that mean one workflow."""
    asked = {"--watch": options["watch"], "--name": options["name"], "-p": given}
    for option, value in asked.items():
        if value:
            text = f"{file}: holds {count} workflows, and {option} is for one"
            raise UsageProblem(f"{text}; leave it out, or submit a file with one")


def _body(
    session: Session, documents: list[Document], run: Document, given: Mapping[str, str]
) -> Body:
    body = {**run.body, "spec": dict(run.body.get("spec") or {})}
    if given:
        body["spec"]["parameters"] = _with_parameters(session, documents, run, given)
    return body


def _with_parameters(
    session: Session, documents: list[Document], run: Document, given: Mapping[str, str]
) -> Any:
    """Return the parameters of a workflow with values; declared by itself or by its template."""
    spec = run.body["spec"]
    if run.kind == PHASES.name:
        raise UsageProblem(f"{run.title}: -p works for workflows; write values into the phase")
    own = list(spec.get("parameters") or ())
    name = (spec.get("templateRef") or {}).get("name")
    if name:
        here = [document.body for document in of_kind(documents, TEMPLATES.name)]
        found = [b for b in here if b["metadata"].get("name") == name]
        template = found[0] if found else fetch_template(session.cluster, name)
        known = {parameter["name"] for parameter in own}
        own += [p for p in _named_values(template, given) if p["name"] not in known]
    return with_values(own, given)


def _from_template(session: Session, name: str, given: Mapping[str, str]) -> Body:
    template = fetch_template(session.cluster, name)
    spec: Body = {"templateRef": {"name": name}}
    declared = with_values(_named_values(template, given), given)
    if declared:
        spec["parameters"] = declared
    meta = {"generateName": f"{name[:46]}-"}
    return {"apiVersion": API_VERSION, "kind": WORKFLOWS.name, "metadata": meta, "spec": spec}


def _named_values(template: Body, given: Mapping[str, str]) -> list[Body]:
    """Return name and type of the template's parameters that are given values.

    Raises:
        UsageProblem: One is given that the template does not declare.
    """
    declared = template["spec"].get("parameters") or []
    with_values(declared, given)
    return [
        {"name": p["name"], "type": p.get("type", "string")} for p in declared if p["name"] in given
    ]


def _named(body: Body, *, name: str | None, generate: bool) -> Body:
    meta = dict(body["metadata"])
    if name:
        meta["name"] = name
        meta.pop("generateName", None)
    if generate and meta.get("name"):
        meta["generateName"] = f"{meta.pop('name')[:46]}-"
    return {**body, "metadata": meta}


def _target(made: Body) -> Target:
    return Target(BY_NAME[made["kind"]], made["metadata"]["name"])


def _say(session: Session, made: list[Body], output: str | None) -> None:
    if output in ("json", "yaml"):
        several = {"apiVersion": "v1", "kind": "List", "items": made}
        session.say(machine(made[0] if len(made) == 1 else several, output))
        return
    for target in map(_target, made):
        name = f"{target.kind.name.lower()}.{target.kind.group}/{target.name}"
        session.say(name if output == "name" else f"{target.title} created")
