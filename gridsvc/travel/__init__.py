"""Travel times of the force: by road where there are roads, else by the straight line."""
