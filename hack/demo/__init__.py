"""`make demo`: a cluster, the operator and a workflow of seventeen tasks, live in the terminal."""
