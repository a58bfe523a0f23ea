"""Risk of areas from what was reported in them: plain numbers in, plain numbers out."""
