"""The examples of what a task can say: branching, loops, retries, hand-off, planning."""
