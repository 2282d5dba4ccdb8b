"""What may be said in the worker API: every field, its type and its bounds.

A field that is not known is refused: a misspelt one would be lost in silence. JSON that a worker
only passes through (outputs, checkpoints) becomes compact text here and stays so.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from ..api.constants import MAX_CHECKPOINT_BYTES, MAX_RESULT_BYTES
from ..core.attempts.results import ResultError, parse_result
from ..core.spec.nesting import RESULT_DEPTH, too_deep
from ..engine.desk_calls import Beat, Report
from .refusal import Refusal, dumped

HEARTBEAT_SECONDS = 5
MAX_SLOTS = 32
MAX_WAIT_SECONDS = 30
MAX_IDS = 64
SHOWN_PROBLEMS = 5
LISTED_PROBLEMS = 100
"""With more, none is told: making the list of a hostile body's faults would hold up the engine."""
SHOWN_PATH = 120

ID_PATTERN = r"^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$"
_ID = re.compile(ID_PATTERN)
ClaimId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Epoch = Annotated[int, Field(ge=0, le=2**53)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$")]
ShortText = Annotated[str, StringConstraints(max_length=256)]
Percent = Annotated[
    float,
    Field(ge=0, le=100),
    PlainSerializer(lambda percent: int(percent) if percent.is_integer() else percent),
]
Tokens = Annotated[int, Field(ge=0, le=10**15)]


class Said(BaseModel):
    """A part of a request: strict, immutable, in camelCase."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )


class ClaimsCall(Said):
    """Ask for work, and wait for it."""

    slots: Annotated[int, Field(ge=1, le=MAX_SLOTS)]
    """How many claims the worker can take now."""
    wait_seconds: Annotated[float, Field(ge=0, le=MAX_WAIT_SECONDS)] = 0
    """How long to wait if there is none. Defaults to 0: only claims that are already open."""
    known: Annotated[tuple[ClaimId, ...], Field(max_length=MAX_IDS), FailFast()] = ()
    """Ids of the claims that the worker has; other open claims of it are given again."""


class Progress(Said):
    """How far a claim is."""

    percent: Percent | None = None
    """Share that is done, in per cent."""
    message: ShortText | None = None
    """What is being done, in a few words."""


class BeatCall(Said):
    """A sign of life of one claim."""

    id: ClaimId
    """Id of the claim."""
    epoch: Epoch
    """Epoch of the claim."""
    progress: Progress | None = None
    """How far it is; left out: no news."""
    checkpoint: JsonValue = None
    """From where a later attempt may go on, at most 4,096 bytes; left out or null: no news."""

    def beat(self, field: str) -> Beat:
        """Return it as the desk takes it; `field` is its place in the body.

        Raises:
            Refusal: The checkpoint is too large, too deep or no JSON.
        """
        progress = ""
        if self.progress is not None:
            progress = dumped(self.progress.model_dump(exclude_none=True))
        checkpoint = ""
        if self.checkpoint is not None:
            checkpoint = _compact(self.checkpoint, f"{field}.checkpoint", MAX_CHECKPOINT_BYTES)
        return Beat(self.id, self.epoch, progress, checkpoint)


class HeartbeatCall(Said):
    """Say that the worker is alive."""

    claims: Annotated[tuple[BeatCall, ...], Field(max_length=MAX_IDS), FailFast()] = ()
    """The claims that it works on."""

    def beats(self) -> list[Beat]:
        """Return it as the desk takes it.

        Raises:
            Refusal: A checkpoint is too large, too deep or no JSON.
        """
        return [claim.beat(f"claims.{place}") for place, claim in enumerate(self.claims)]


class Usage(Said):
    """What the attempt used."""

    input_tokens: Tokens = 0
    """Tokens read."""
    output_tokens: Tokens = 0
    """Tokens written."""
    cost: str | int | float = 0
    """Cost as a decimal number; a text such as "0.0123" keeps every digit."""


class ResultDocument(Said):
    """The result of a task, at most 4,000 bytes: the same as a pod's termination message."""

    outputs: dict[str, JsonValue] | None = None
    """Outputs by name."""
    usage: Usage | None = None
    """Tokens and cost."""
    message: str | None = None
    """What happened, in a sentence; 1,024 characters of it are kept."""
    spawn: list[JsonValue] | None = None
    """Tasks that a planner wants done."""


class ResultCall(Said):
    """Say how a claim ended; perhaps take the next one in the same call."""

    epoch: Epoch
    """Epoch of the claim."""
    succeeded: bool
    """Whether the task was done."""
    reason: Word | None = None
    """Why it failed, in one word such as RateLimited; rules for retries can name it."""
    result: ResultDocument = ResultDocument()
    """The result."""
    slots: Annotated[int, Field(ge=0, le=MAX_SLOTS)] = 0
    """How many claims the worker takes in the answer. Defaults to 0."""

    def report(self, claim: str) -> Report:
        """Return it as the desk takes it; a result that says nothing has an empty document.

        Raises:
            Refusal: The result document breaks its contract.
        """
        said = self.result.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
        document = _compact(said, "result", MAX_RESULT_BYTES) if said else ""
        try:
            parse_result(document)
        except ResultError as error:
            raise Refusal(400, error.reason, f"result: {error}") from None
        return Report(claim, self.epoch, self.succeeded, self.reason or "", document, self.slots)


class ReleaseCall(Said):
    """Give a claim back undone, such as when the worker must end."""

    epoch: Epoch
    """Epoch of the claim."""
    reason: ShortText = ""
    """Why, in a few words."""


Call = TypeVar("Call", bound=Said)


def parsed(model: type[Call], raw: bytes) -> Call:
    """Return a body as its model.

    Raises:
        Refusal: 400; the message names each field that is wrong.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() > LISTED_PROBLEMS:
            text = f"the body: {error.error_count()} fields are wrong; see GET /openapi.json"
            raise Refusal(400, "BadRequest", text) from None
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [_told(problem["loc"], problem["msg"]) for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - SHOWN_PROBLEMS} more")
    raise Refusal(400, "BadRequest", "; ".join(shown))


def claim_id(text: str) -> str:
    """Return the id of a claim as it stands in an address.

    Raises:
        Refusal: 400; it can be none.
    """
    if _ID.fullmatch(text):
        return text
    return parsed(_Id, dumped({"id": text[:SHOWN_PATH]}).encode("utf-8", "replace")).id


class _Id(Said):
    id: ClaimId


def _told(path: tuple[int | str, ...], message: str) -> str:
    place = ".".join(str(part) for part in path)
    return f"{place[:SHOWN_PATH] or 'the body'}: {message}"


def _compact(value: Any, field: str, most: int) -> str:
    if too_deep(value, RESULT_DEPTH):
        text = f"{field}: nests deeper than {RESULT_DEPTH} levels"
        raise Refusal(400, "BadRequest", text)
    try:
        text = dumped(value)
    except ValueError:
        raise Refusal(400, "BadRequest", f"{field}: has a number that is out of range") from None
    size = len(text.encode())
    if size > most:
        raise Refusal(400, "TooLarge", f"{field}: has {size} bytes; send at most {most}")
    return text
