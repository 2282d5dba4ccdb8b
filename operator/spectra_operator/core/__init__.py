"""The pure core: snapshot in, plan out. No I/O, no clock, no randomness."""
