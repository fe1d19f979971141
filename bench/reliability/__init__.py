"""What a server has to endure, each measured against a target: `make reliability`, `python -m bench.reliability NAME`.

Every measurement starts its own server, is bounded in time and has a size; tests run them small, a person runs them in
full. It returns a `Report`: the figures, the checks with their targets, and whether all are met.
"""
