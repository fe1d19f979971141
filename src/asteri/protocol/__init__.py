"""Transports to exchanges: flow control, deadlines and the life of a connection."""
