"""What is expected of a run: estimates, the critical path, milestones, reasons to wait."""
