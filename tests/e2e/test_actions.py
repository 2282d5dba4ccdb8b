"""Actions on runs in every state, on a real cluster."""
