# The C interface of exchange_cy.py.

cimport cython

from asteri.wire.headers_cy cimport HeaderBlock
from asteri.wire.request_cy cimport RequestHead


cdef class Port:
    cdef readonly bint lost
    cdef readonly bint paused
    cdef public bint draining

    cpdef emit(self, bytes data)
    cpdef hold(self, bytes data)
    cpdef join(self, bytes data)
    cpdef writable(self)
    cpdef peer_gone(self)
    cpdef abort(self)
    cpdef more_body(self, Exchange exchange)
    cpdef body_taken(self, Exchange exchange)
    cpdef bint may_keep(self, Exchange exchange) except -1
    cpdef answered(self, Exchange exchange, bint keep)


@cython.freelist(16)
cdef class Exchange:
    cdef readonly str method
    cdef public str path
    cdef readonly bytes raw_path
    cdef readonly bytes query
    cdef readonly HeaderBlock headers
    cdef readonly object connection
    cdef readonly bytes buffered
    cdef public object app
    cdef readonly int status
    cdef readonly long long sent
    cdef readonly bint complete
    cdef public bint expecting
    cdef readonly bint broken
    cdef readonly Py_ssize_t queued
    cdef Port _port
    cdef bint _head_only
    cdef int _minor
    cdef bint _keep
    cdef int _state
    cdef object _unread  # bytes, or a deque of them
    cdef Py_ssize_t _taken  # of the first of them

    cpdef bint is_open(self)
    cpdef bint is_streaming(self)
    cpdef bint is_answered(self)
    cpdef bint is_aborted(self)
    cpdef abandon(self)
    cpdef feed(self, bytes data, bint complete)
    cpdef fail(self)
    cdef bytes _take(self, Py_ssize_t limit)
    cdef bint _begin(self) except -1


cdef class Sink:
    cdef Exchange _exchange
    cdef int _framing
    cdef long long _left

    cdef Port _check(self)


cpdef Exchange begin_exchange(Port port, RequestHead head, object connection, bytes body, bint complete)
