"""The gallery: the sweeps of `examples/`, their pictures, and what is claimed of them; see docs/examples.md.

An example is one file in `examples/`, which says in its head what it asks, what one learns from it, and the commands
that run and draw it. `gallery.claims` has the numbers that it must show. Everything else follows from these two.
"""
