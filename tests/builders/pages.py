"""Pages of workers, and operations that may be laid over them."""

from __future__ import annotations

from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.pool.page import Claim, End, Fence, Forget, Give, Note, Op, Page, apply

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", '{"page":2}', '["ü",1e5]', '"\\n"'])
KINDS = st.sampled_from(list(Kind))
AFTER = st.one_of(st.just(()), st.lists(IDS, max_size=2, unique=True).map(tuple))
OPS: st.SearchStrategy[list[Op]] = st.lists(
    st.one_of(
        st.builds(lambda id_, after: Give(a_claim(id_), after), IDS, AFTER),
        st.builds(Note, IDS, TEXTS),
        st.builds(lambda id_, kind: End(id_, at(9), kind, digest="d"), IDS, KINDS),
        st.builds(Forget, IDS),
        st.just(Fence(at(9), "WorkerGone", "its pod is gone")),
    ),
    max_size=8,
)


def a_claim(id_: str = "a", **fields: str) -> Claim:
    """Return a claim that was given at the start."""
    return Claim(id_, "stage", "uid", "work", 0, 1, 1, "one", at(0), **fields)


def a_page(*ops: Op) -> Page:
    """Return a page with one open claim, `a`, after more operations."""
    return apply(Page(), [Give(a_claim()), *ops])
