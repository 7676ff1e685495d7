"""The loop over a queue: configs are claimed, measured and saved until nothing is left."""
