# The C interface of service_cy.py.

from asteri.protocol.wheel_cy cimport TimerWheel


cdef class Service:
    cdef readonly object doors
    cdef readonly object http
    cdef readonly object loop
    cdef readonly TimerWheel wheel
    cdef readonly object limits
    cdef readonly object timeouts
    cdef readonly set connections
    cdef readonly set tasks
    cdef readonly object base_context
    cdef readonly str scheme
    cdef readonly str root_path
    cdef readonly object log_access
    cdef readonly object websocket
    cdef readonly object logger
    cdef readonly double keep_alive
