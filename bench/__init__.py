"""The same work on Fenrir, on Asteri and on their peers, side by side in one run.

What counts is the CPU time of the server's whole process tree per request, as a ratio within one run: requests per
second are capped by whoever makes the load. The server has one core and the load another; rounds are interleaved, so
that a slow minute hits all alike, and the median is kept. Each contender first answers every request once and is
checked. One that is not installed, does not start or answers wrongly is in the result with the reason. Nothing is
ranked: contenders stand in the order of `contenders.py`, everywhere.
"""
