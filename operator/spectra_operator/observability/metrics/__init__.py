"""What the operator counts and measures; `catalogue` says what each figure means."""

from .catalogue import CATALOGUE
from .definitions import Definition, Kind
from .registry import Metrics, Reading

__all__ = ["CATALOGUE", "Definition", "Kind", "Metrics", "Reading"]
