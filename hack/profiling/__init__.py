"""Where the operator's time goes: samples of a run of the benchmark, and counts that repeat."""
