"""OpenAPI: the document of an application, and the pages that show it.

`openapi_document` reads the compiled plans and nothing else, so every dialect is documented by the same code and a
route can not be documented otherwise than it runs. `install_docs` serves the document, Swagger UI and ReDoc.
"""

from fenrir.kit.openapi.document import openapi_document
from fenrir.kit.openapi.options import DocsOptions
from fenrir.kit.openapi.ui import install_docs

__all__ = ["DocsOptions", "install_docs", "openapi_document"]
