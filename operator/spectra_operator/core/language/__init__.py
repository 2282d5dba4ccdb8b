"""The language of `${...}`: CEL under a budget, patterns, templates, references, typed values."""
