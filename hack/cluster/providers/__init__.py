"""The ways to have a cluster: ``local``, ``kind`` and ``existing``."""
