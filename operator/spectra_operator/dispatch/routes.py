"""The table of calls: what the server serves and its document describes."""

from __future__ import annotations

from dataclasses import dataclass

from . import answers, models


@dataclass(frozen=True, slots=True)
class Route:
    """One call.

    Attributes:
        name: Its name: of the method of `Calls`, in metrics and in the document.
        path: Its path; `{id}` stands for the id of a claim. All are POST.
        summary: What it does.
        text: What to know about it.
        body: The model of its body.
        answer: The model of the answer 200.
        own_codes: Statuses beyond those of every call.
    """

    name: str
    path: str
    summary: str
    text: str
    body: type[models.Said]
    answer: type[answers.Answered]
    own_codes: tuple[int, ...] = ()


ROUTES = (
    Route(
        "claims",
        "/v1/claims",
        "Ask for work and wait for it",
        "Open claims of this process that are not in known come first and at once. Otherwise the "
        "answer comes with the first claim, or empty after waitSeconds. A later call of the same "
        "worker ends an earlier one.",
        models.ClaimsCall,
        answers.ClaimsAnswer,
    ),
    Route(
        "heartbeat",
        "/v1/heartbeat",
        "Say that the worker is alive",
        "Carries progress and checkpoints. A claim that is not this worker's is in cancel. The "
        "only call that a pod in mode Pod may make, for its own attempt, with epoch 1.",
        models.HeartbeatCall,
        answers.HeartbeatAnswer,
    ),
    Route(
        "result",
        "/v1/claims/{id}/result",
        "Say how a claim ended",
        "Answered when the result is durable. Saying the same again is safe. With slots the "
        "answer brings the next claims.",
        models.ResultCall,
        answers.ResultAnswer,
        (409,),
    ),
    Route(
        "release",
        "/v1/claims/{id}/release",
        "Give a claim back undone",
        "Counts as a loss, not as a failure of the task.",
        models.ReleaseCall,
        answers.ReleaseAnswer,
        (409,),
    ),
)
DOCUMENT_PATH = "/openapi.json"

CODES = {
    400: "The body is not as described; the message names the field.",
    401: "The token is missing or not good. Read its file again.",
    403: "The token is not of a worker of an agent here, or of one no more; or it is of an attempt "
    "in mode Pod, which may only send heartbeats, until it ends.",
    408: "The body did not come in time.",
    409: "The claim was fenced, is another's, or has ended otherwise. Drop it.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not JSON, or is compressed.",
    421: "Another replica answers; call the address in the answer.",
    429: "Too many calls of this worker at once. Wait as Retry-After says.",
    500: "The operator failed at this call.",
    503: "The call could not be made durable, or nobody can answer now. Say it again after "
    "Retry-After.",
}
COMMON_CODES = tuple(code for code in CODES if code != 409)
