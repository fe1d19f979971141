"""HTTP values: headers, cookies, queries, forms, media types, ranges, dates, JSON.

Nothing here knows an application, an event loop or a framework. Every parser is linear in its input, has a limit
where the input decides how much memory is used, and either returns a value or raises one documented exception.
Import the module of the noun that you need; this package re-exports nothing, so that nothing is loaded unasked.
"""

__all__: list[str] = []
