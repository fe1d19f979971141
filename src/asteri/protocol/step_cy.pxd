# The C interface of step_cy.py.

cimport cython
from cpython.object cimport PyObject


cdef extern from "Python.h":
    int PyIter_Send(object iterator, object value, PyObject **result) except -1


@cython.freelist(16)
cdef class Rest:
    cdef object owner
    cdef object exchange
    cdef object coroutine
    cdef object loop
    cdef object context
    cdef object first  # what the first step waits for, until the task has been told
    cdef object error
    cdef bint begun
    cdef bint ended

    cdef _end(self, error)


cpdef start(owner, exchange, coroutine, loop, context)
cpdef start_eagerly(owner, exchange, coroutine, loop, context)
cpdef start_by_hand(owner, exchange, coroutine, loop, context)
