"""The generated pages of the reference, by their names in docs/reference."""

from __future__ import annotations

import re

from website.commands import commands_page
from website.kinds import kind_pages
from website.markdown import page
from website.reasons import reasons_page
from website.settings import settings_page

_INTRO = (
    "These pages are generated from the code, so they say what this version does. "
    "[The worker API](../worker-api.md) has an OpenAPI document beside its page."
)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return file name to text for every page that is generated from the code."""
    made = {
        **kind_pages(),
        "commands": commands_page(),
        "reasons": reasons_page(),
        "settings": settings_page(),
    }
    return {f"{name}.md": text for name, text in {"index": _index(made), **made}.items()}


def _index(made: dict[str, str]) -> str:
    links = "\n".join(f"- [{_title(text)}]({name}.md)" for name, text in made.items())
    return page("Reference", _INTRO, links)


def _title(text: str) -> str:
    found = _TITLE.search(text)
    assert found, "a page has a title"
    return found[1]
