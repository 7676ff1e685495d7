"""The Mersenne Twister in plain integers, to hold NumPy's against."""

from collections.abc import Iterator


def mt19937(seed: int) -> Iterator[int]:
    """Matsumoto and Nishimura's MT19937 (mt19937ar.c, 2002) in plain integers: init_genrand, then 32-bit draws."""
    state = [seed]
    for i in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & 0xFFFFFFFF)
    while True:
        for k in range(624):
            mixed = (state[k] & 0x80000000) | (state[(k + 1) % 624] & 0x7FFFFFFF)
            state[k] = state[(k + 397) % 624] ^ (mixed >> 1) ^ (0x9908B0DF if mixed & 1 else 0)
        for word in state:
            word ^= word >> 11
            word ^= (word << 7) & 0x9D2C5680
            word ^= (word << 15) & 0xEFC60000
            yield word ^ (word >> 18)
