"""Values of requests, under upstream's module name."""

from fenrir.starlette.datastructures import (
    URL,
    Address,
    FormData,
    Headers,
    MutableHeaders,
    QueryParams,
    State,
    UploadFile,
    URLPath,
)

__all__ = ["URL", "Address", "FormData", "Headers", "MutableHeaders", "QueryParams", "State", "URLPath", "UploadFile"]
