"""Looking at slices of bytes without cutting them out: what a scan of a request is made of."""

# mypy: ignore-errors

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.libc.string import memchr

__all__ = ["cut", "find", "only", "trimmed"]


def find(data, byte, start, end) -> int:
    """Return the position of a byte, or -1."""
    if cython.compiled:
        if end <= start:
            return -1
        base: cython.p_char = data
        found: cython.p_char = cython.cast(cython.p_char, memchr(base + start, byte, end - start))
        if found is cython.NULL:
            return -1
        return found - base
    else:
        return data.find(byte, start, end)


def cut(data, start, end) -> bytes:
    """Return a slice. PERF: in C a slice of bytes makes a slice object first (60 ns)."""
    if cython.compiled:
        base: cython.p_char = data
        return PyBytes_FromStringAndSize(base + start, end - start)
    else:
        return data[start:end]


def trimmed(data, start, end) -> bytes:
    """Return a slice without the blanks around it."""
    while start < end and (data[start] == 32 or data[start] == 9):
        start += 1
    while end > start and (data[end - 1] == 32 or data[end - 1] == 9):
        end -= 1
    return cut(data, start, end)


def only(data, start, end, allowed) -> bool:
    """Tell whether all bytes of a slice belong to a class."""
    if cython.compiled:
        base: cython.p_uchar = cython.cast(cython.p_uchar, cython.cast(cython.p_char, data))
        member: cython.p_uchar = cython.cast(cython.p_uchar, cython.cast(cython.p_char, allowed))
        i: cython.Py_ssize_t
        for i in range(start, end):
            if not member[base[i]]:
                return False
        return True
    else:
        return not data[start:end].translate(None, allowed)
