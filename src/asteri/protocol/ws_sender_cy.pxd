# The C interface of ws_sender_cy.py.

from asteri.protocol.flow_cy cimport FlowProtocol


cdef class Sender(FlowProtocol):
    cdef object _limits
    cdef int _state
    cdef int _code
    cdef object _reason
    cdef object _agreement
    cdef Py_ssize_t _threshold
    cdef bint _sending  # a large message is being sent: others wait
    cdef object _deflater
    cdef object _owed_pong

    cdef _start_close(self, int code, reason)
    cdef _require_open(self)
    cdef _pong(self, list payloads)
    cdef _emit_message(self, int opcode, bytes payload, bint compressed)
    cdef _room(self)
    cdef _compressor(self)
