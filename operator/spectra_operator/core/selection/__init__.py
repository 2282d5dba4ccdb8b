"""Which of several agents does a task that says only what its agent must be able to do."""
