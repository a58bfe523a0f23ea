"""Response coverage: which part of the county somebody reaches in time, and which nobody does."""
