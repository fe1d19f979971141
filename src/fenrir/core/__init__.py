"""The engine: declarations in, one generated function per route out. It knows no framework, no pydantic, no socket."""
