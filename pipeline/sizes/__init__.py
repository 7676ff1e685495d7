"""Sizes: what is read from a heatmap, averages over replicates, and growth laws."""
