"""Asking the store: fields, conditions, selections, groups, averages, growth."""
