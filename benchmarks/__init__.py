"""Benchmarks: each module measures one thing and returns its figures; `python -m benchmarks` runs them."""
