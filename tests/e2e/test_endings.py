"""What runs at the end of a workflow, on a real cluster."""
