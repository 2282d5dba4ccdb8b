"""What a spec means: checks, shorthands written out, compiled into shapes."""
