# The C interface of headers_cy.py.

cimport cython


@cython.freelist(16)
cdef class HeaderBlock:
    cdef bytes _block
    cdef list _pairs
    cdef dict _first

    cdef list _cut(self)
    cdef dict _index(self)


cpdef HeaderBlock header_block(bytes block)
