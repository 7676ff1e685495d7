"""A config: one thing to measure, its canonical JSON, its digest and the columns that it fills."""
