"""Files and coordinates: the only room that knows formats, encodings, CRS and datums."""
