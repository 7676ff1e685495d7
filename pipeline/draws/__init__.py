"""What is drawn for a config: random streams, weights and probes, and the files that they may come from."""
