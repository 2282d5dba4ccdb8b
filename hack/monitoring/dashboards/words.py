"""Colours of series that are named by one word.

Left to itself, Grafana gives colours by their order: `Failed` would be green, before `Succeeded`.
No two words of one panel have the same colour.
"""

from __future__ import annotations

COLOURS = {
    "green": ("Succeeded", "Promoted"),
    "red": ("Failed", "RolledBack", "Rejected"),
    "orange": ("Lost", "Backoff", "RollingBack", "Aborted"),
    "yellow": ("Ready", "Pending"),
    "blue": ("Running", "given"),
    "light-blue": ("Waiting", "Finalizing", "Skipped"),
    "purple": ("Cancelled", "Suspended", "Superseded", "refused"),
}
LEGENDS = ("{{state}}", "{{outcome}}")
"""Legends whose series are so named."""
