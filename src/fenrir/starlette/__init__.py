"""Starlette's toolkit under its module names: ASGI values, routing, middleware. See PARITY.md for what differs."""
