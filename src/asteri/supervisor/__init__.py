"""The supervisor: it binds the sockets, forks the workers and keeps them alive.

It never imports the application, a protocol or a gateway; a worker is a string target that is imported after the
fork. So it stays small, has one thread, and can not be brought down by what a worker does.
"""
