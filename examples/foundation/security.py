"""Security attacks the database for real, and looks around in its own pod."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import data
import store

from spectra_agent import Task, task

ATTACKS = (
    "' OR '1'='1",
    "x' OR 1=1 --",
    "x'; DROP TABLE event; --",
    "' UNION SELECT 0, sql, 0, name FROM sqlite_master --",
)
SECRET_WORDS = ("CREDENTIAL", "PASSWD", "PASSWORD", "SECRET", "TOKEN")
TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
ROWS = 500


class AttackSucceededError(Exception):
    """An injected string did more than be compared with a column."""


Ask = Callable[[sqlite3.Connection, str], list[Any]]


@task
def security(task: Task) -> dict[str, Any]:
    """Try every attack on a parameterised query and, as a control, on a glued one."""
    plan = task.input["plan"]
    with store.scratch_database(task.input["settings"]) as connection:
        records = data.first(plan["seed"], plan["rows"], ROWS)
        store.load(connection, task.input["ddl"], records, plan["batchRows"])
        mode = file_mode(connection)
        succeeded = [attack for attack in ATTACKS if succeeds(connection, parameterised, attack)]
        control = [attack for attack in ATTACKS if succeeds(connection, glued, attack)]
    if succeeded:
        raise AttackSucceededError(f"{len(succeeded)} attacks succeeded, first: {succeeded[0]}")
    return {
        "attacks": len(ATTACKS),
        "stopped": len(ATTACKS) - len(succeeded),
        "controlSucceeded": len(control),
        "fileMode": f"{mode:04o}",
        "findings": findings(os.environ, os.geteuid(), mode),
    }


def parameterised(connection: sqlite3.Connection, source: str) -> list[Any]:
    """The right way: the value never becomes part of the statement."""
    return connection.execute("SELECT * FROM event WHERE source = ?", (source,)).fetchall()


def glued(connection: sqlite3.Connection, source: str) -> list[Any]:
    """The wrong way, to prove that the attacks are real."""
    statements = f"SELECT * FROM event WHERE source = '{source}'".split(";")
    return [row for statement in statements for row in connection.execute(statement)]


def succeeds(connection: sqlite3.Connection, ask: Ask, attack: str) -> bool:
    """Whether the attack finds a row or changes the table; tried on a copy."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.backup(copy)
        before = _state(copy)
        return bool(ask(copy, attack)) or _state(copy) != before
    finally:
        copy.close()


def file_mode(connection: sqlite3.Connection) -> int:
    """The permission bits of the database's file; 0 when it is in memory."""
    [_, _, path] = connection.execute("PRAGMA database_list").fetchone()
    return stat.S_IMODE(Path(path).stat().st_mode) if path else 0


def findings(env: Mapping[str, str], user_id: int, mode: int) -> list[str]:
    """What a reviewer of this pod would complain about."""
    found = [
        f"variable {name} looks like a secret"
        for name in sorted(env)
        if any(word in name.upper() for word in SECRET_WORDS)
    ]
    if user_id == 0:
        found.append("runs as root")
    if mode & 0o077:
        found.append(f"others may open the database file ({mode:04o})")
    if TOKEN_FILE.exists():
        found.append("an API token is mounted")
    return found


def _state(connection: sqlite3.Connection) -> list[Any]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'event'").fetchall()
    return [connection.execute("SELECT count(*) FROM event").fetchone()] if tables else []
