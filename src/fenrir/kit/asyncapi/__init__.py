"""AsyncAPI 3: what OpenAPI can not describe, WebSocket connections and event streams of every dialect.

`asyncapi_document` reads the compiled plans, as OpenAPI's document does: parameters and security come from there. Which
messages go over a channel no signature can say; `messages` on the handler does.
"""

from fenrir.kit.asyncapi.document import asyncapi_document
from fenrir.kit.asyncapi.messages import messages

__all__ = ["asyncapi_document", "messages"]
