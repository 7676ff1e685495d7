"""Random streams: Philox, keyed so that no draw depends on another config, layer, probe or on scheduling."""

import threading
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pipeline.draws.twister import twister_at


class Role(IntEnum):
    """What a stream is for; part of its key."""

    WEIGHTS = 1
    PROBES = 2


class _Generator(threading.local):
    """One generator for each thread, and its state at the start of a stream."""

    def __init__(self) -> None:
        self.bits = np.random.Philox(key=np.zeros(2, np.uint64))
        self.generator = np.random.Generator(self.bits)
        self.start = self.bits.state
        self.key = self.start["state"]["key"]


_mine = _Generator()


class Streams:
    """The streams of one seed and role, one for each layer or probe index.

    A stream is Philox-4x64-10 (Salmon et al. 2011) with key (seed, role * 2**32 + index) and counter 0. `at` resets
    the thread's one generator instead of making one (1.5 us, not 9): what it returns is valid until the next call.
    """

    def __init__(self, seed: int, role: Role) -> None:
        self._seed = seed
        self._role = int(role) << 32

    def at(self, index: int) -> np.random.Generator:
        """The generator at the start of the stream of `index`."""
        mine = _mine
        key = mine.key
        key[0] = self._seed
        key[1] = self._role + index
        mine.bits.state = mine.start
        return mine.generator


def original_draws(seed: int, start: int, count: int) -> npt.NDArray[np.uint64]:
    """`count` 32-bit draws of the original program's stream, from the draw numbered `start` on: uint64 [count].

    MT19937 with the classic initialisation by one 32-bit integer (Matsumoto and Nishimura 2002, `init_genrand`).
    """
    return twister_at(seed, start).randint(0, 2**32, count, np.uint32).astype(np.uint64)
