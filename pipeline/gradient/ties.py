"""Where the numbers of two pixels may tie in front of a max pool: there equal windows must make equal bits.

All numbers of random probes differ, so that windows are equal only where the network itself repeats pixels: by
up-sampling, by a padding that repeats them, or by an activation that makes one number of many, other than zero. In
constant probes and in images any two windows may be equal.
"""

from msgspec.structs import replace

from pipeline.gradient.step import Step
from pipeline.stem import INPUT, AdaptiveAvgPool, Bilinear, Convolution, MaxPool, Upsample, curve

_SATURATING = frozenset({"relu6", "hardtanh", "hardsigmoid"})
"""Activations that make the same number, which is not zero, of all that are beyond some number."""


def mark_ties(steps: tuple[Step, ...], repeated: bool) -> tuple[Step, ...]:
    """Returns the steps with those convolutions marked whose outputs may tie in front of a max pool.

    repeated: whether pixels of the input may be equal.
    """
    if not any(isinstance(step.node.layer, MaxPool) for step in steps):
        return steps
    compared: set[int] = set()  # the steps that a max pool follows
    for number in reversed(range(len(steps))):
        if number in compared or isinstance(steps[number].node.layer, MaxPool):
            compared |= {source.step for source in steps[number].sources}
    repeating = {INPUT} if repeated else set[int]()  # the steps that make equal pixels
    marked: list[Step] = []
    for number, step in enumerate(steps):
        may_repeat = _folds(step) or any(source.step in repeating for source in step.sources)
        ties = isinstance(step.node.layer, Convolution) and number in compared and may_repeat
        marked.append(replace(step, ties=True) if ties else step)
        if may_repeat or curve(step.node.activation).name in _SATURATING:
            repeating.add(number)
    return tuple(marked)


def _folds(step: Step) -> bool:
    is_scattered = any(source.read.is_scattered for source in step.sources)
    return is_scattered or isinstance(step.node.layer, Upsample | Bilinear | AdaptiveAvgPool)
