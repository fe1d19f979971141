# The C interface of response_cy.py.

cpdef tuple encode_response(status, headers, bytes body, bint head_only, int minor, bint keep)
cpdef tuple encode_start(status, headers, bint head_only, int minor, bint keep)
