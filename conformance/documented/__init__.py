"""What a specification says is what the application does: schemathesis with all its checks, against Asteri.

`make schemathesis` runs it on the demo (every dialect's routes, as a stranger, and its API as a customer), and on a
FastAPI application that is adopted. It ends with 1 when a check fails.
"""
