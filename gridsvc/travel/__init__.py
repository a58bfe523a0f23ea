"""Travel times of the force."""
