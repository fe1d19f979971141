"""URI templates and their converters."""

from fenrir.falcon.routing.converters import (
    BaseConverter,
    DateTimeConverter,
    FloatConverter,
    IntConverter,
    PathConverter,
    RegexConverter,
    UUIDConverter,
)
from fenrir.falcon.routing.template import CompiledRouterOptions, ConverterDict, UnacceptableRouteError
from fenrir.falcon.routing.verbs import SuffixedMethodNotFoundError, map_http_methods

__all__ = [
    "BaseConverter",
    "CompiledRouterOptions",
    "ConverterDict",
    "DateTimeConverter",
    "FloatConverter",
    "IntConverter",
    "PathConverter",
    "RegexConverter",
    "SuffixedMethodNotFoundError",
    "UUIDConverter",
    "UnacceptableRouteError",
    "map_http_methods",
]
