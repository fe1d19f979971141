# The C interface of waiter_cy.py.

cimport cython


@cython.final
cdef class Waiter:
    cdef public bint _asyncio_future_blocking  # how asyncio knows a future
    cdef object _loop
    cdef int _state
    cdef object _callback
    cdef object _context
    cdef object _message

    cpdef bint resume(self) except -1
    cpdef bint reuse(self)
    cpdef complete(self)
    cpdef bint done(self)
    cdef _call_soon(self)


@cython.final
cdef class Over:
    pass
