"""Engines: where the graph runs. All give the same outcomes, and the same bits."""
