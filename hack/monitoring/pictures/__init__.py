"""Pictures of the dashboards: drawn from their JSON and from what Prometheus answers."""

from monitoring.pictures.answers import Answers, Series, Window, asked
from monitoring.pictures.page import draw

__all__ = ["Answers", "Series", "Window", "asked", "draw"]
