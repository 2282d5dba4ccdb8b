"""submit: create a workflow, with what it needs, and stay until it ends if asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from spectra_operator.api.constants import API_VERSION

from .. import completing, watching
from ..cluster import Body
from ..documents import Document, is_ours, read
from ..errors import Exists, UsageProblem
from ..kinds import BY_NAME, PHASES, WORKFLOWS
from ..output import machine, machine_option
from ..session import Session, cluster_options
from ..targets import Target, fetch_template, parse_template
from ..values import pairs, with_values
from .common import ALL, TIMEOUT, end_as

RUNS = (WORKFLOWS.name, PHASES.name)


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
    """Create the workflow in FILE, or one from a template.

    Agents, templates and other Spectra objects that FILE holds are applied first; the workflow is
    created, so it must not exist. FILE may be - for standard input.
    """
    if (file is None) == (template is None):
        raise UsageProblem("give FILE, or --from template/NAME")
    if options["watch"] and options["output"]:
        raise UsageProblem("--watch draws for people; leave out -o")
    given = pairs(options["parameters"], "-p")
    if template is not None:
        body = _from_template(session, parse_template(template), given)
    else:
        body = _from_file(session, str(file), given, quiet=bool(options["output"]))
    made = _create(session, _named(body, options["name"], generate=options["generate_name"]))
    target = Target(BY_NAME[made["kind"]], made["metadata"]["name"])
    _say(session, made, target, options["output"])
    if options["watch"]:
        everything, seconds = options["everything"], options["timeout"]
        end_as(watching.show_until_end(session, target, everything=everything, seconds=seconds))


def _from_file(session: Session, file: str, given: Mapping[str, str], *, quiet: bool) -> Body:
    documents = read([file])
    runs = [document for document in documents if document.kind in RUNS and is_ours(document)]
    if len(runs) != 1:
        text = f"{file}: holds {len(runs)} workflows; submit creates exactly one"
        raise UsageProblem(f"{text}; `kubectl create -f` creates any number")
    for document in documents:
        _check(session, document)
    body = {**runs[0].body, "spec": dict(runs[0].body.get("spec") or {})}
    if given:
        body["spec"]["parameters"] = _with_parameters(session, documents, runs[0], given)
    for document in documents:
        if document.kind not in RUNS:
            session.cluster.apply(BY_NAME[document.kind], document.body)
            if not quiet:
                name = document.body["metadata"]["name"]
                session.say(f"{BY_NAME[document.kind].title(name)} applied")
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
        here = [d.body for d in documents if d.kind == "WorkflowTemplate"]
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


def _check(session: Session, document: Document) -> None:
    if not is_ours(document) or document.kind not in BY_NAME:
        raise UsageProblem(f"{document.title}: is not Spectra's; apply it with kubectl first")
    namespace = document.body["metadata"].get("namespace")
    if namespace and namespace != session.cluster.namespace:
        text = f"{document.title}: says namespace {namespace}"
        raise UsageProblem(
            f"{text}, but {session.cluster.namespace} is in use; give -n {namespace}"
        )


def _named(body: Body, name: str | None, *, generate: bool) -> Body:
    meta = dict(body["metadata"])
    if name:
        meta["name"] = name
        meta.pop("generateName", None)
    if generate and meta.get("name"):
        meta["generateName"] = f"{meta.pop('name')[:46]}-"
    return {**body, "metadata": meta}


def _create(session: Session, body: Body) -> Body:
    try:
        return session.cluster.create(BY_NAME[body["kind"]], body)
    except Exists as error:
        raise Exists(f"{error}; delete it, or give --name or --generate-name") from None


def _say(session: Session, made: Body, target: Target, output: str | None) -> None:
    if output == "name":
        session.say(f"{target.kind.name.lower()}.{target.kind.group}/{target.name}")
    elif output:
        session.say(machine(made, output))
    else:
        session.say(f"{target.title} created")
