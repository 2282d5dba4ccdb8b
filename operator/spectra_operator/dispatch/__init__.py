"""The worker API: who calls, what may be said, and how it is answered."""
