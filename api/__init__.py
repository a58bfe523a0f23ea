"""HTTP: the edge that speaks JSON, gives errors their status, and picks the language."""
