"""The queue: sweeps, the states of their configs, claims, leases, and saving what was measured."""
