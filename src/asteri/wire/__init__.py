"""Bytes to values and back: no event loop, no I/O, no logging.

Modules that end in `_cy` are Cython's pure mode: the same file runs compiled or interpreted, with equal results
(`asteri.wire.compiled` tells which).
"""
