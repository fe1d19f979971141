"""Differential fuzzing of the server's wire modules and of Fenrir's parsers: `make fuzz`.

A *target* makes samples from a seed and judges each: two forms of one module, one input cut in two ways, or our parser
beside an independent one must say the same. Where an independent one may differ, a *rule* says so: a predicate with a
name and the section of the standard that decides. What no rule covers is a *finding*: it is made small, printed and
written to build/fuzz, and `--replay` runs it again.

    engine     the campaign: time, seeds, findings
    grammar    HTTP/1 messages from pieces, mostly right; mutations of bytes; places to cut
    rules      known differences
    shrink     findings made small
    target_*   what is compared with what
    sanitized  the same on extensions built with ASan and UBSan
"""
