"""Use cases: load, decide, record, commit."""
