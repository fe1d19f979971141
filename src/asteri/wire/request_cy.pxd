# The C interface of request_cy.py.

cimport cython

from asteri.wire.headers_cy cimport HeaderBlock


@cython.freelist(16)
cdef class RequestHead:
    cdef readonly str method
    cdef readonly str path
    cdef readonly bytes raw_path
    cdef readonly bytes query
    cdef readonly HeaderBlock headers
    cdef readonly bytes authority
    cdef readonly int minor
    cdef readonly bint keep_alive
    cdef readonly bint expect_continue
    cdef readonly bytes upgrade
    cdef readonly bint chunked
    cdef readonly long long content_length


cdef class RequestParser:
    cdef readonly object error
    cdef readonly bint complete
    cdef bytes _buf
    cdef Py_ssize_t _pos  # next byte
    cdef Py_ssize_t _end
    cdef bytearray _tail  # an unfinished line and what is kept before it, if its end has not arrived
    cdef int _phase
    cdef Py_ssize_t _start  # where the bytes that must be kept begin
    cdef Py_ssize_t _fields  # where the header block begins
    cdef bint _skipped
    cdef int _count
    cdef RequestHead _head
    cdef int _hosts
    cdef bytes _host
    cdef bytes _good_host  # the last valid one: a connection says the same again
    cdef bytes _encoding
    cdef bint _has_length
    cdef bint _typed
    cdef int _options  # of Connection
    cdef long long _left
    cdef long long _received
    cdef long long _extensions
    cdef Py_ssize_t _max_line
    cdef Py_ssize_t _max_header
    cdef int _max_count
    cdef Py_ssize_t _max_total
    cdef Py_ssize_t _max_extensions
    cdef long long _max_body
    cdef bint _underscores

    cpdef bytes leftover(self)
    cpdef feed(self, bytes data)
    cpdef RequestHead head(self)
    cpdef bytes body(self)
    cdef void _rebase(self)
    cdef void _starve(self)
    cdef _fail(self, int status, str reason)
    cdef _measure_line(self, Py_ssize_t size, bytes begin)
    cdef _measure_field(self, Py_ssize_t end)
    cdef bint _request_line(self) except -1
    cdef _target(self, RequestHead head, bytes target)
    cdef bint _valid_host(self, bytes host) except -1
    cdef bint _field_lines(self) except -1
    cdef _known_field(self, str known, bytes buf, Py_ssize_t start, Py_ssize_t end)
    cdef RequestHead _finish_head(self)
    cdef bytes _take(self)
    cdef bint _chunk_step(self, list pieces) except -1
    cdef _measure_chunk(self, Py_ssize_t size)
    cdef bint _chunk_size(self) except -1
