"""The reference of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import click

from kubectl_spectra.main import program
from website.markdown import cell, code, page, table

_NAME = "kubectl spectra"
_INTRO = (
    "All commands, with their arguments and options. [The command line](../cli.md) shows how they "
    "are used, and lists the exit codes."
)


def commands_page() -> str:
    """Return the page of all commands."""
    return page("Commands", _INTRO, *(_section(path, c) for path, c in commands(program, _NAME)))


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that can be run, with its whole name, in the order of the help."""
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    said = cell((command.help or "").replace("\b", ""))
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    rows = [_row(option, context) for option in options]
    listed = table(("Option", "Value", "Default", "Meaning"), rows) if rows else ""
    return f"## {path.removeprefix(_NAME + ' ')}\n\n```text\n{usage}\n```\n\n{said}\n\n{listed}"


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else code(option.make_metavar(context))
    default = "required" if option.required else _default(option)
    return names, value, default, cell(option.help or "")


def _default(option: click.Option) -> str:
    value = option.to_info_dict()["default"]
    shown = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    return code(str(value)) if shown else ""
