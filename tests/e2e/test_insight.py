"""Progress, estimates and plans, on a real cluster."""
