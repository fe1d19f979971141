"""Validation: the one place with Pydantic. A request becomes values or errors, a value becomes bytes.

`bind_signature` makes the engine's `Binding` of a handler's signature; `Serializer` filters and writes its result.
"""

from fenrir.kit.validation.about import About, BodyAbout, ParameterAbout, SecurityAbout, StreamAbout, titled
from fenrir.kit.validation.bind import bind_signature
from fenrir.kit.validation.encoder import jsonable_encoder
from fenrir.kit.validation.errors import RequestValidationError, ResponseValidationError, ValidationException
from fenrir.kit.validation.graph import Reserved, SecurityScheme, SecurityScopes, return_annotation
from fenrir.kit.validation.json_schemas import json_schemas
from fenrir.kit.validation.markers import Body, Cookie, Depends, File, Form, Header, Path, Query, Security
from fenrir.kit.validation.output import Serializer, dump_container, dump_plain
from fenrir.kit.validation.uploads import UploadFile

__all__ = [
    "About",
    "Body",
    "BodyAbout",
    "Cookie",
    "Depends",
    "File",
    "Form",
    "Header",
    "ParameterAbout",
    "Path",
    "Query",
    "RequestValidationError",
    "Reserved",
    "ResponseValidationError",
    "Security",
    "SecurityAbout",
    "SecurityScheme",
    "SecurityScopes",
    "Serializer",
    "StreamAbout",
    "UploadFile",
    "ValidationException",
    "bind_signature",
    "dump_container",
    "dump_plain",
    "json_schemas",
    "jsonable_encoder",
    "return_annotation",
    "titled",
]
