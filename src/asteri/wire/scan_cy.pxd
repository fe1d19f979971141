# The C interface of scan_cy.py.

cpdef Py_ssize_t find(bytes data, int byte, Py_ssize_t start, Py_ssize_t end) except -2
cpdef bytes cut(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef bytes trimmed(bytes data, Py_ssize_t start, Py_ssize_t end)
cpdef bint only(bytes data, Py_ssize_t start, Py_ssize_t end, bytes allowed) except -1
