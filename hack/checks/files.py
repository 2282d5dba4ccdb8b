"""Rules about the tracked files themselves: what must not be in them, and their sizes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from checks import repository as repo

MAX_LINES = 300
_SETTINGS = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "GOPROXY",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
)
"""Variables that may hold a registry's address on the machine that runs the check."""
_REGISTRIES = (
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "proxy.go" + "lang.org",
    "registry.npm" + "js.org",
    "deb.deb" + "ian.org",
)
_HOME = re.compile(r"/(?:home|Users)/[a-z][\w.-]+/|/root/\.\w+")
"""A one-letter home, as in `/home/a/`, is nobody's: examples may use it."""
_INDEX_OPTION = re.compile(r"^\s*--(?:extra-)?(?:index-url|find-links)\b", re.MULTILINE)


def registry_hosts(environ: Mapping[str, str]) -> set[str]:
    """Return host names of package registries: the public ones and those set on this machine."""
    values = " ".join(environ.get(name, "") for name in _SETTINGS)
    hosts = {urlsplit(part).hostname for part in re.split(r"[\s,|]+", values) if "://" in part}
    return {host for host in hosts if host and host != "localhost"} | set(_REGISTRIES)


def problems_in(text: str, root: str, hosts: Iterable[str]) -> list[str]:
    """Return what a file's text must not hold: this machine's paths, registries' names."""
    found = [f"the registry {host}" for host in sorted(hosts) if host in text]
    if root in text:
        found.append(f"the checkout's own path {root}")
    found += [f"the path {match}" for match in sorted(set(_HOME.findall(text)))]
    if _INDEX_OPTION.search(text):
        found.append("an index option; `make lock` writes none")
    return found


def check_words() -> list[str]:
    """Return tracked files that name a registry or a path of a machine."""
    hosts = registry_hosts(os.environ)
    problems = []
    for path in repo.tracked_files():
        text = _text(path)
        for what in problems_in(text, str(repo.ROOT), hosts):
            problems.append(f"{path}: holds {what}; say it without")
    return problems


def check_source_root() -> list[str]:
    """Return a problem when operator/ is a package: it would hide Python's own `operator`."""
    if (repo.ROOT / "operator" / "__init__.py").exists():
        return ["operator/__init__.py: operator/ is a source root, never a package; remove it"]
    return []


def long_files(lines: Mapping[Path, int]) -> list[str]:
    """Return a line for each file above the house rule, longest first."""
    longest = sorted((item for item in lines.items() if item[1] > MAX_LINES), key=lambda i: -i[1])
    return [f"{path}: {count} lines" for path, count in longest]


def size_report() -> list[str]:
    """Return the Python files that are longer than they should be."""
    python = [path for path in repo.tracked_files() if path.suffix == ".py"]
    return long_files({path: len(_text(path).splitlines()) for path in python})


def _text(path: Path) -> str:
    return (repo.ROOT / path).read_text(errors="replace")
