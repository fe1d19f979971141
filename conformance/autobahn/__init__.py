"""The cases of the Autobahn test suite for WebSocket servers, run against Asteri.

`make autobahn` runs all of them; `results.md` is the table of the last complete run.
"""
