# The C interface of frames_cy.py.

cimport cython


cpdef bytes frame_head(int opcode, Py_ssize_t length, bint fin=*, bint compressed=*)
cpdef bytes frame(int opcode, bytes payload, bint fin=*, bint compressed=*)
cpdef bytes text_frame(str text)


@cython.final
cdef class FrameReader:
    cdef readonly bint pending  # `feed(b"")` would give more events, or go on with one
    cdef Py_ssize_t _max_message
    cdef Py_ssize_t _max_fragments
    cdef object _inflater
    cdef bytes _rest
    cdef Py_ssize_t _at  # where the unread part of `_rest` begins
    cdef bint _done
    # The message being assembled.
    cdef int _opcode
    cdef bint _compressed
    cdef Py_ssize_t _frames
    cdef Py_ssize_t _wire_size
    cdef bytearray _message
    cdef object _decoder
    cdef bint _swollen  # output waits inside the inflater
    cdef bint _ending  # all of the message has been read
    # The frame being read.
    cdef bint _in_frame
    cdef bint _fin
    cdef Py_ssize_t _left
    cdef unsigned int _mask
    cdef Py_ssize_t _phase

    cpdef list feed(self, bytes data)
    cdef _judge(self, int first, int second)
    cdef _limit(self, int first, unsigned long long length)
    cdef _append(self, bytes payload)
    cdef _bad_text(self)
    cdef _inflate(self, bytes payload)
    cdef _complete(self, list events)
    cdef list _fail(self, list events, failure)
