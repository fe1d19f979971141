# The C interface of ws_cy.py.

cimport cython

from asteri.protocol.waiter_cy cimport Waiter
from asteri.protocol.wheel_cy cimport Deadline
from asteri.protocol.ws_sender_cy cimport Sender
from asteri.wire.frames_cy cimport FrameReader


@cython.final
cdef class WebSocketProtocol(Sender):
    cdef public object path
    cdef public object raw_path
    cdef public object query
    cdef public object app
    cdef readonly object headers
    cdef readonly object connection
    cdef readonly object subprotocols
    cdef readonly object task
    cdef readonly Py_ssize_t queued  # bytes of the messages that wait, and what each costs beside them
    cdef object _door
    cdef object _connections
    cdef object _upgrade
    # In.
    cdef object _early
    cdef FrameReader _reader
    cdef object _queue
    cdef object _handed  # the message that the waiting task goes on with
    cdef Waiter _waiter
    cdef bint _deaf  # messages are dropped
    cdef bint _pumping  # `_go_on` is scheduled
    cdef bint _taking  # events are given out
    cdef bint _heard
    cdef int _controls
    cdef double _control_start
    # Deadlines.
    cdef Deadline _deadline
    cdef bint _pinged

    cdef _require_connecting(self)
    cdef _take(self, list events)
    cdef bint _is_flood(self) except -1
    cdef bint _has_pending(self)
    cdef _pump(self)
    cdef _go_on_soon(self)
    cdef _peer_closed(self, int code, reason)
    cdef _fail(self, int code, reason)
    cdef _turn_away(self, int status, reason, headers)
    cdef _refuse(self, int status, headers, bytes body)
    cdef _linger(self)
    cdef _deafen(self)
    cdef _end(self, int state, int code, reason)
