"""`make bench`: what a run costs and how long it takes, beside what no engine can beat."""
