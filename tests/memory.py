"""Memory that the kernel may not rely on: full of garbage, and little of it; and its ways, forced where they can be.

Whatever the kernel depends on by chance, such as a margin that was filled some time before, or a block that is handed
out a second time, shows as NaN here.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from pipeline.gradient import cache
from pipeline.ops import activation, buffer, choice, span
from pipeline.ops.choice import Way
from pipeline.stem import Axis

FEW = 2**10
"""Bytes that blocks of rows have, and above which nothing is kept: less than most operands of a test have."""

VARIANTS = ("as it is", "poisoned", "scarce", "unfolded", "transformed")
"""Memory as it is, with garbage, with garbage and scarce; and so, too, with each way forced where it can be."""


@contextmanager
def handed_out(variant: str) -> Iterator[None]:
    """Has the kernel run under a variant; nothing that a thread kept before is used within, or after."""
    with ExitStack() as patches:

        def change(owner: Any, name: str, value: Any) -> None:
            patches.enter_context(patch.object(owner, name, value))

        cache.clear()
        patches.callback(cache.clear)
        if variant != VARIANTS[0]:
            _poison(change)
        if variant not in VARIANTS[:2]:
            _make_scarce(change)
        if variant in ("unfolded", "transformed"):
            patches.enter_context(_forced(_unfolded if variant == "unfolded" else _transformed))
        yield


def _poison(change: Callable[[Any, str, Any], None]) -> None:
    """All memory that is handed out holds NaN, scratch memory as soon as it is released, and results until made."""
    for name in ("empty", "empty_like"):
        change(np, name, _spoiling(getattr(np, name)))
    change(buffer, "poisoning", True)


def _spoiling(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(*given: Any, **named: Any) -> Any:
        array = make(*given, **named)
        buffer.poison(array)
        return array

    return made


def _make_scarce(change: Callable[[Any, str, Any], None]) -> None:
    change(buffer, "SMALL", 0)
    change(buffer, "MAX_KEPT", 4 * FEW)
    change(buffer, "LARGEST_KEPT", FEW)
    change(cache, "MAX_CACHED", 16 * FEW)
    change(cache, "LARGEST", FEW)
    change(span, "BLOCK", FEW)
    change(activation, "NUMBERS", FEW)
    change(activation, "PART", FEW)


@contextmanager
def _forced(way: Callable[..., Way]) -> Iterator[None]:
    caches = choice.forward_way, choice.vjp_way
    with patch.object(choice, "_quickest", way):
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


def _unfolded(*_: Any) -> Way:
    return "unfolded"


def _transformed(direct: Way, shape: choice.Shape, y: Axis, across: Axis, groups: int, _: Any) -> Way:
    pads = y.before, y.after, across.before, across.after
    if groups > 1 or max(y.stride, y.dilation, across.stride, across.dilation) > 1 or min(pads) < 0:
        return direct
    return "winograd" if shape[1] == choice.TAPS and across.size_out > 1 else "fourier"
