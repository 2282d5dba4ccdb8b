"""The engine: caches, queue, decisions carried out. All writes go through `executor`."""
