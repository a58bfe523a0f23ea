"""Rules of the case: clocks and duplicates."""
