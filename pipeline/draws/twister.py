"""The Mersenne Twister of the original program, started at any of its draws.

MT19937 (Matsumoto and Nishimura 1998, ACM TOMACS 8(1)) is linear over GF(2): with x_0 ... x_623 from the seed,

    x_{k+624} = x_{k+397} + (upper bit of x_k | lower 31 bits of x_{k+1}) A,

and draw number k is x_{k+624}, tempered. Its characteristic polynomial phi has degree 19937 (their appendix A), so that

    x_{n+j} = sum of x_{i+j} over the terms t^i of t^n mod phi,

and 20,561 words reach any n (Haramoto et al. 2008, INFORMS J. Comput. 20(3)). Polynomials over GF(2) are integers here,
whose bit i is the coefficient of t^i.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

_WORDS, _MIDDLE, _BITS, _LOWER = 624, 397, 32, 31
_TWIST = 0x9908B0DF
_DEGREE = _WORDS * _BITS - _LOWER

DRAWN_THROUGH = 2**24
"""Draws up to here are made and dropped, which takes as long as a jump."""
_PIECE = 2**20


def twister_at(seed: int, start: int) -> np.random.RandomState:
    """MT19937, initialised by one 32-bit integer (`init_genrand`, 2002), before the draw numbered `start`.

    Takes less than a second for any start.
    """
    stream = np.random.RandomState(seed)
    if start > DRAWN_THROUGH:
        return _jumped(stream, start)
    for skipped in range(0, start, _PIECE):  # in pieces, for little memory
        stream.randint(0, 2**32, min(start - skipped, _PIECE), np.uint32)
    return stream


def _jumped(stream: np.random.RandomState, start: int) -> np.random.RandomState:
    words = np.concatenate([_state(stream), *(_next_state(stream) for _ in range(0, _DEGREE, _WORDS))])
    terms = np.array([bit == "1" for bit in reversed(f"{_power(start):b}")])
    windows = np.lib.stride_tricks.sliding_window_view(words, _WORDS)[: len(terms)]
    reached = np.bitwise_xor.reduce(windows[terms], axis=0)
    stream.set_state(("MT19937", reached, _WORDS, 0, 0.0))
    return stream


def _state(stream: np.random.RandomState) -> npt.NDArray[np.uint32]:
    return np.array(stream.get_state(legacy=False)["state"]["key"], np.uint32)


def _next_state(stream: np.random.RandomState) -> npt.NDArray[np.uint32]:
    stream.randint(0, 2**32, _WORDS, np.uint32)
    return _state(stream)


@lru_cache(maxsize=64)  # the seeds of a sweep share their offset
def _power(exponent: int) -> int:
    """t^exponent mod phi."""
    found = 1
    for bit in f"{exponent:b}":
        found = _reduced(_squared(found) << int(bit))
    return found


def _squared(polynomial: int) -> int:
    """Squares over GF(2): a zero comes between any two coefficients."""
    return int(f"{polynomial:b}".replace("0", "00").replace("1", "01"), 2)


def _reduced(polynomial: int) -> int:
    """The remainder by phi, whose other terms are few, and at least 623 degrees below the leading one."""
    whole = (1 << _DEGREE) - 1
    while high := polynomial >> _DEGREE:
        polynomial &= whole
        for term in low_terms():
            polynomial ^= high << term
    return polynomial


@lru_cache(maxsize=1)
def low_terms() -> tuple[int, ...]:
    """The exponents of phi but for the leading one.

    With u = t^624 + t^397 and v = t^623 + t^396, phi = u v^31 + sum of a_i u v^(30-i) for i < 31, and a_31, where a_i
    is bit i of the twist, from its lowest.
    """
    u, v = (1 << _WORDS) ^ (1 << _MIDDLE), (1 << (_WORDS - 1)) ^ (1 << (_MIDDLE - 1))
    powers = [1]
    for _ in range(_LOWER):
        powers.append(_product(powers[-1], v))
    phi = _product(u, powers[_LOWER])
    for i in range(_LOWER):
        if _TWIST >> i & 1:
            phi ^= _product(u, powers[_LOWER - 1 - i])
    phi ^= _TWIST >> _LOWER & 1
    return tuple(place for place, bit in enumerate(reversed(f"{phi:b}")) if bit == "1" and place < _DEGREE)


def _product(one: int, other: int) -> int:
    made = 0
    for place, bit in enumerate(reversed(f"{other:b}")):
        if bit == "1":
            made ^= one << place
    return made
