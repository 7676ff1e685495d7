"""The names of the fields by group, without SQLAlchemy: a shell that completes a line waits for what is loaded."""

from pipeline.result import Axes, Costs, Provenance, Sizes, Theory

GROUPS = {
    "places": "what a config is called, and its place in a sweep; without SWEEP, a row for each place",
    "names": "what a config is called wherever it is",
    "axes": "what a sweep varies",
    "costs": "what the network takes",
    "queue": "how far it is",
    "health": "what the result rests on",
    "theory": "what is known without measuring",
    "sizes": "what is read off the heatmap",
    "provenance": "what it was measured with",
    "storage": "what the store keeps",
}
"""The groups of fields with what they are, in their order."""

ALL = "all"
"""Stands for all of them."""

PLACES = ("sweep", "position", "label")
"""The fields of a place in a sweep, of which a config may have several or none."""

GROUP_OF = {
    **dict.fromkeys(PLACES, "places"),
    **dict.fromkeys(("id", "config", "stem"), "names"),
    **dict.fromkeys(Axes.__struct_fields__, "axes"),
    **dict.fromkeys(Costs.__struct_fields__, "costs"),
    **dict.fromkeys(("state", "attempts", "error", "cost"), "queue"),
    **dict.fromkeys(("dead", "n_zero", "n_nan"), "health"),
    **dict.fromkeys(Theory.__struct_fields__, "theory"),
    **dict.fromkeys(Sizes.__struct_fields__, "sizes"),
    **dict.fromkeys(Provenance.__struct_fields__, "provenance"),
    **dict.fromkeys(("bytes", "digest", "spec"), "storage"),
}
"""The group of each field."""
