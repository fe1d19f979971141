"""Upstream's package of what does no I/O; here the line runs elsewhere, and these are only names."""
