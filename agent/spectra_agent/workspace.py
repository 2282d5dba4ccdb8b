"""Large values through the workspace: files beside the work, and references in their place.

An output that does not fit into the result document is written to
``<workspace>/.spectra/outputs/<key>/<attempt>/<name>.json``, and handed on as
``{"$workspace": "<path in the workspace>", "bytes": n, "sha256": "..."}``. A task that finds such a
reference in its input reads the file in its place. Files are never changed once they are there.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH110, PTH118, PTH120, PTH123 -- as all of the SDK
from __future__ import annotations

import json
import os
from hashlib import sha256

from spectra_agent.errors import InputError, ResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

REFERENCE = "$workspace"
FIELDS = frozenset({REFERENCE, "bytes", "sha256"})
FOLDER = ".spectra/outputs"
VARIABLE = "SPECTRA_WORKSPACE"
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
LONGEST_NAME = 100


def store(outputs: Mapping[str, Any], excess: int, env: Mapping[str, str]) -> dict[str, Any]:
    """The outputs with the largest values replaced by references, until they are small enough.

    Args:
        outputs: What the task returns, as JSON can say it.
        excess: By how many bytes the result is too large.
        env: Says where the workspace is, and whose outputs these are.

    Raises:
        OSError: A file cannot be written.
    """
    texts = {name: encoded(value) for name, value in outputs.items()}
    found = dict(outputs)
    for name in sorted(texts, key=lambda name: (-len(texts[name]), name)):
        reference = _reference(name, texts[name], env)
        gain = len(texts[name]) - len(encoded(reference))
        if excess <= 0 or gain <= 0:
            break
        _write(os.path.join(env[VARIABLE], reference[REFERENCE]), texts[name])
        found[name] = reference
        excess -= gain
    return found


def resolve(value: Any, env: Mapping[str, str]) -> Any:
    """The value with every reference in it replaced by what its file holds.

    Raises:
        InputError: There is no workspace, or a file is missing or not the one that was written.
    """
    if isinstance(value, list):
        return [resolve(item, env) for item in value]
    if not isinstance(value, dict):
        return value
    if is_reference(value):
        return _read(value, env)
    return {key: resolve(item, env) for key, item in value.items()}


def is_reference(value: Any) -> bool:
    """Whether a value stands for a file in the workspace."""
    return (
        isinstance(value, dict)
        and value.keys() == FIELDS
        and isinstance(value[REFERENCE], str)
        and isinstance(value["bytes"], int)
        and isinstance(value["sha256"], str)
    )


def encoded(value: Any) -> bytes:
    """A value as compact JSON.

    Raises:
        ResultError: It is not JSON.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError) as error:
        raise ResultError(f"the outputs are not JSON: {error}") from error


def _reference(name: str, data: bytes, env: Mapping[str, str]) -> dict[str, Any]:
    owner = _safe(env.get("SPECTRA_KEY") or env.get("SPECTRA_TASK") or "task")
    attempt = _safe(env.get("SPECTRA_ATTEMPT") or "1")
    path = f"{FOLDER}/{owner}/{attempt}/{_safe(name)}.json"
    return {REFERENCE: path, "bytes": len(data), "sha256": sha256(data).hexdigest()}


def _safe(name: str) -> str:
    """The name as a file name; one that had to be changed gets a hash, so that none collide."""
    plain = "".join(letter if letter in SAFE else "_" for letter in name)[:LONGEST_NAME]
    if plain == name and not name.startswith("."):
        return name
    return f"{plain.lstrip('.')}-{sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def _write(path: str, data: bytes) -> None:
    """Write a whole file or none: whoever reads it never sees a part."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        if os.path.exists(part):
            os.unlink(part)
        raise


def _read(reference: Mapping[str, Any], env: Mapping[str, str]) -> Any:
    path, size = reference[REFERENCE], reference["bytes"]
    what = f"a value of {size:,} bytes in the input lies in the workspace as {path}"
    workspace = env.get(VARIABLE)
    if not workspace:
        raise InputError(f"{what}, but this task mounts none; give it 'workspace: {{}}'")
    root = os.path.realpath(workspace)
    full = os.path.realpath(os.path.join(root, path))
    if not full.startswith(root.rstrip("/") + "/"):
        raise InputError(f"{what}, which is outside of it")
    try:
        with open(full, "rb") as file:
            data = file.read(size + 1)
    except OSError as error:
        raise InputError(
            f"{what}, but it cannot be read: {error.strerror or error}; the task that wrote it "
            "must mount the same claim with the same subPath"
        ) from error
    if len(data) != size or sha256(data).hexdigest() != reference["sha256"]:
        raise InputError(f"{what}, but the file was changed since; run the task before again")
    return json.loads(data)
