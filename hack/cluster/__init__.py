"""A real Kubernetes cluster on this machine, for tests and demonstrations.

Run it as ``python -m cluster``; see ``docs/cluster.md``.
"""
