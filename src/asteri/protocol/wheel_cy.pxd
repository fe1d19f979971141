# The C interface of wheel_cy.py.

cdef class TimerWheel:
    cdef readonly double tick
    cdef object _loop
    cdef object _context
    cdef dict _slots
    cdef long long _next
    cdef object _timer

    cpdef double now(self)
    cdef enter(self, Deadline deadline, long long slot)
    cdef leave(self, Deadline deadline)
    cdef _schedule(self)


cdef class Deadline:
    cdef readonly double at
    cdef object _fire
    cdef TimerWheel _wheel
    cdef long long _slot

    cpdef arm(self, double seconds)
    cpdef disarm(self)
    cpdef close(self)
