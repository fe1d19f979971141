# The C interface of h1_cy.py.

from asteri.protocol.flow_cy cimport FlowProtocol
from asteri.protocol.service_cy cimport Service
from asteri.protocol.wheel_cy cimport Deadline
from asteri.wire.exchange_cy cimport Exchange
from asteri.wire.request_cy cimport RequestHead, RequestParser


cdef class H1Protocol(FlowProtocol):
    cdef readonly Service service
    cdef readonly object connection
    cdef RequestParser _parser
    cdef Exchange _exchange
    cdef list _readers
    cdef Deadline _deadline
    cdef long long _measured
    cdef long long _drained
    cdef bint _heading
    cdef bint _lingering
    cdef bint _ended
    cdef bint _eof
    cdef bint _advancing
    cdef double _began

    cdef _advance(self)
    cdef _settle(self)
    cdef _advance_soon(self)
    cdef _start(self, RequestHead head)
    cpdef finished(self, Exchange exchange, error)
    cdef _returned(self, Exchange exchange)
    cdef _failed(self, Exchange exchange, Exception error)
    cdef _abandon(self, Exchange exchange)
    cdef _next(self)
    cdef _wake_readers(self)
    cdef _take_body(self, Exchange exchange)
    cdef _break(self, Exchange exchange)
    cdef _refuse(self, error, bint head_only=*)
    cdef _linger(self)
    cdef _discard(self, Py_ssize_t size)
    cdef _end(self)
    cdef bint _is_websocket(self, RequestHead head)
    cdef _hand_over(self, factory, RequestHead head)
