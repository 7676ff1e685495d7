"""Exports: a sweep as files in a folder, by query."""
