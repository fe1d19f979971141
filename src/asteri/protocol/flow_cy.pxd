# The C interface of flow_cy.py.

from asteri.protocol.wheel_cy cimport Deadline, TimerWheel
from asteri.wire.exchange_cy cimport Port


cdef class FlowProtocol(Port):
    cdef readonly object loop
    cdef readonly TimerWheel wheel
    cdef readonly object base_context
    cdef public object transport
    cdef public bint batching
    cdef readonly bint reading
    cdef int _socket  # what small pieces are written to; -1: nothing may be
    cdef bint _behind  # bytes may wait in the transport
    cdef bint _wide  # the kernel may take UNSENT_LARGE
    cdef double _write_timeout
    cdef Deadline _write_deadline
    cdef Py_ssize_t _write_size
    cdef double _write_until
    cdef list _out
    cdef Py_ssize_t _out_size
    cdef bint _flush_scheduled
    cdef list _writers
    cdef list _watchers

    cpdef take_transport(self, transport)
    cpdef flush(self)
    cdef _widen(self)
    cdef _write(self, bytes data)
    cdef Py_ssize_t _send(self, bytes data)
    cdef bint _caught_up(self) except -1
    cdef _watch_writes(self)
    cdef _wake_writers(self)
    cdef _wake_watchers(self)
    cpdef stop_reading(self)
    cpdef start_reading(self)
    cpdef finish_writing(self)
    cpdef release(self)


cdef wake(list waiters)
