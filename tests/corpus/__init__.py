"""Requests of HTTP/1 as files, one rule each, with what must become of them.

`valid/` are read, `invalid/` are refused, and `truncated/` end too early: they are neither until the connection ends.
The folders below are topics. `cases.load` reads them; `gunicorn` reads another project's corpus, which is downloaded.

A file is TOML, because that is text which no editor breaks and which has escapes for everything:

    rule = "RFC 9112 §7.1"            # the source of the rule
    row = 15                          # in the table of faults, if it is there
    why = "One line: what is wrong with it, or what makes it right."
    request = [                       # in pieces, usually one a line
      "POST / HTTP/1.1\\r\\n",
      { repeat = "X: a\\r\\n", times = 100 },
      "\\r\\n",
    ]
    refused = { status = 431, reason = "too many headers" }     # unless it is valid or truncated

    [[requests]]                      # what is read, if need be before something is refused; in order
    method = "GET"
    path = "/%"                       # decoded
    query = ""                        # if there is one
    headers = [["host", "a"], ["x", "1", 99]]     # names in lower case; a third element says how often
    body = ""                         # if there is one, without framing and trailers
    keep_alive = false                # unless it is true

All strings stand for bytes, one for each code point up to U+00FF. Where a string of the request, a header's value or a
body is expected, `{ repeat = ..., times = ... }` or a list of such pieces may stand, so that 64 KiB are one line.
Bodies are limited to 100,000 bytes (`cases.LIMITS`); all other limits are the server's defaults.
"""
