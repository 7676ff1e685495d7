"""The operations of a stem, each forward beside its VJP.

Arrays are [rows, channels, columns, probes]: the probes of a block are contiguous, so that one matrix product serves
all of them, and a row with all its channels is contiguous, so that a kernel's rows are one operand (see `conv`).
Every operation knows only the piece of the plane that the cone hands it, described by an `Axis` each way.
"""
