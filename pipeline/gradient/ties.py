"""Where the numbers of two pixels may tie in front of a max pool: there equal windows must make equal bits.

All numbers of random probes differ, so that windows are equal only where the network itself repeats pixels, by
up-sampling or by a padding that repeats them. In constant probes and in images any two windows may be equal.
"""

import msgspec

from pipeline.gradient.step import Step
from pipeline.stem import Convolution, MaxPool, Upsample, walk


def mark_ties(steps: tuple[Step, ...], repeated: bool, compared: bool = False) -> tuple[Step, ...]:
    """Returns the steps with those convolutions marked whose outputs may tie in front of a max pool.

    repeated: whether pixels of their operand may be equal; compared: whether a max pool follows the last step.
    """
    if not compared and not any(isinstance(one.node.layer, MaxPool) for one in walk(steps)):
        return steps
    follows = [compared]  # from the last step to the first
    for step in reversed(steps[1:]):
        follows.append(follows[-1] or any(isinstance(one.node.layer, MaxPool) for one in walk((step,))))
    marked: list[Step] = []
    for step in steps:
        marked.append(_marked(step, repeated, follows.pop()))
        repeated = repeated or any(_is_repeating(one) for one in walk((step,)))
    return tuple(marked)


def _marked(step: Step, repeated: bool, compared: bool) -> Step:
    body = mark_ties(step.body, repeated, compared) if step.body else ()
    shortcut = None if step.shortcut is None else _marked(step.shortcut, repeated, compared)
    ties = isinstance(step.node.layer, Convolution) and compared and (repeated or _is_repeating(step))
    if not (ties or body or shortcut or step.ties):
        return step
    return msgspec.structs.replace(step, body=body, shortcut=shortcut, ties=ties)


def _is_repeating(step: Step) -> bool:
    folds = isinstance(step.read.rows, tuple) or isinstance(step.read.columns, tuple)
    return folds or isinstance(step.node.layer, Upsample)
