"""The files of Swagger UI and ReDoc: those that were put beside this module, or else their addresses on a CDN.

`tools/docs_ui.py` puts them into `assets` when the project is installed, with a `version.json` that names the versions.
Local files have the hash of that record in their path, so a browser may keep them for ever.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ASSETS", "PACKAGES", "Assets", "local_assets"]

ASSETS = Path(__file__).resolve().parent / "assets"
CDN = "https://cdn.jsdelivr.net"
_CDN_FILES = {
    "swagger-ui-bundle.js": "/npm/swagger-ui-dist@5.33.1/swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js": "/npm/swagger-ui-dist@5.33.1/swagger-ui-standalone-preset.js",
    "swagger-ui.css": "/npm/swagger-ui-dist@5.33.1/swagger-ui.css",
    "redoc.standalone.js": "/npm/redoc@2.5.4/bundles/redoc.standalone.js",
}
PACKAGES = {name: path.split("/")[2].rpartition(".")[0].rpartition(".")[0] for name, path in _CDN_FILES.items()}
"""The package of each file with its major version."""
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Assets:
    """Where the files of the pages are.

    Attributes:
        folder: of local files; None means the CDN.
        digest: changes when a local file does.
    """

    folder: Path | None
    digest: str

    @property
    def origin(self) -> str | None:
        """The other host that the pages load from."""
        return CDN if self.folder is None else None

    @property
    def names(self) -> tuple[str, ...]:
        """The local files to serve."""
        return tuple(_CDN_FILES) if self.folder is not None else ()

    def url(self, name: str, prefix: str) -> str:
        """Return the address of a file; local ones are below the prefix."""
        return CDN + _CDN_FILES[name] if self.folder is None else f"{prefix}/{name}"


def local_assets(folder: Path = ASSETS) -> Assets:
    """Return the files in a folder if they are all there, else those of the CDN.

    Raises:
        ValueError: the folder has a `version.json` that is no JSON.
    """
    record = folder / "version.json"
    if not record.is_file() or not all((folder / name).is_file() for name in _CDN_FILES):
        return Assets(None, "")
    content = record.read_bytes()
    json.loads(content)
    return Assets(folder, hashlib.sha256(content).hexdigest()[:16])


def media_type(name: str) -> str:
    """Return the content type of a file of the pages."""
    return _TYPES[Path(name).suffix]
