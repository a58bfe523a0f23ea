"""Values and rules of the county: no I/O, no clock, no globals."""
