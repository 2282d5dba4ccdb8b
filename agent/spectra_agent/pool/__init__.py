"""Pool mode: a worker that lives, claims tasks from the operator and serves them.

`worker.py` puts the parts together, `main.py` is the process with its signals. `book.py` knows
which claims are held; `polls.py` fills it, `slots.py` empties it, `heart.py` tells the operator
of it. `line.py` is the only place that knows HTTP.
"""
