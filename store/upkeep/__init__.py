"""Upkeep of a store: checks and mending, backups and restoring them."""
