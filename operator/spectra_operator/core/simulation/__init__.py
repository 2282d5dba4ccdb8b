"""What would happen: a workflow on a virtual clock."""
