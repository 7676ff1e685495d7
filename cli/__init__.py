"""The command: one file per command that parses, calls and renders, and holds no logic of its own."""
