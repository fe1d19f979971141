"""Take the assets of Swagger UI and ReDoc out of a package, so that /docs and /redoc work without a network.

The carrier is a wheel that ships both distributions; only the files are taken, nothing of it is installed or run.
They are never committed: they go to `src/fenrir/kit/openapi/assets`, together with the licences and a `version.json`
that names the package, the versions, the files that we changed (see `EDITS`) and each file's SHA-256. A second run
finds them and does nothing. Files land in a folder of their own that replaces the old one at the end, so a run that
fails leaves what was there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "drf-spectacular-sidecar"
ASSETS = Path(__file__).resolve().parent.parent / "src" / "fenrir" / "kit" / "openapi" / "assets"
STATIC = "drf_spectacular_sidecar/static/drf_spectacular_sidecar"
FILES = {
    "swagger-ui-bundle.js": f"{STATIC}/swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js": f"{STATIC}/swagger-ui-dist/swagger-ui-standalone-preset.js",
    "swagger-ui.css": f"{STATIC}/swagger-ui-dist/swagger-ui.css",
    "redoc.standalone.js": f"{STATIC}/redoc/bundles/redoc.standalone.js",
    "redoc.standalone.js.LICENSE.txt": f"{STATIC}/redoc/bundles/redoc.standalone.js.LICENSE.txt",
    "LICENSE.swagger-ui": f"{STATIC}/swagger-ui-dist/LICENSE",
    "LICENSE.redoc": f"{STATIC}/redoc/LICENSE",
}
# The bundles say their own version; the name before the first number is ours.
VERSIONS = {
    "swagger-ui": ("swagger-ui-bundle.js", rb'PACKAGE_VERSION:"([0-9.]+)"'),
    "redoc": ("redoc.standalone.js", rb'ReDoc Version: ","([0-9.]+)"'),
}
# ReDoc shows its maker's logo from the maker's host: a request for every reader, and a failed one without a network.
# An image of one transparent pixel stands in its place.
EDITS = {
    "redoc.standalone.js": (
        b"https://cdn.redoc.ly/redoc/logo-mini.svg",
        b"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    ),
}
VERSION_FILE = "version.json"


class AssetError(Exception):
    """The assets could not be taken; the message says why."""


def complete(folder: Path) -> bool:
    """Return whether the folder holds every file, each as `version.json` describes it."""
    try:
        record = json.loads((folder / VERSION_FILE).read_text())
        recorded = record["sha256"]
        return (
            set(recorded) == set(FILES)
            and record["edited"] == sorted(EDITS)
            and all(
                hashlib.sha256((folder / name).read_bytes()).hexdigest() == value for name, value in recorded.items()
            )
        )
    except (FileNotFoundError, ValueError, KeyError):
        return False


def download(folder: Path) -> Path:
    """Return the carrier's wheel, downloaded by pip into the folder.

    Raises:
        AssetError: pip could not get it.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    command += ["--no-deps", "--only-binary", ":all:", "--retries", "1", "--timeout", "15"]
    done = subprocess.run([*command, "--dest", str(folder), PACKAGE], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise AssetError(f"pip could not download {PACKAGE}: {lines[-1] if lines else 'it gave no reason'}")
    return wheels[0]


def extract(wheel: Path, folder: Path) -> dict[str, str]:
    """Write the assets and `version.json` into the folder; return the versions by name.

    Raises:
        AssetError: the wheel is damaged, or laid out otherwise than we know it.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {name: archive.read(member) for name, member in FILES.items()}
    except (KeyError, zipfile.BadZipFile) as error:
        raise AssetError(f"{wheel.name} is not laid out as expected: {error}") from error
    versions = {PACKAGE: wheel.name.split("-")[1]}
    for library, (name, pattern) in VERSIONS.items():
        found = re.search(pattern, contents[name])
        if found is None:
            raise AssetError(f"{name} in {wheel.name} does not say its version")
        versions[library] = found[1].decode()
    for name, (before, after) in EDITS.items():
        contents[name] = contents[name].replace(before, after)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    record = {"package": PACKAGE, "versions": versions, "edited": sorted(EDITS), "sha256": digests}
    (folder / VERSION_FILE).write_text(json.dumps(record, indent=1) + "\n")
    return versions


def provide(assets: Path, *, force: bool = False) -> dict[str, str] | None:
    """Put the assets in place; return their versions, or None when they were there already.

    Raises:
        AssetError: they could not be had; what was there is left alone.
    """
    if not force and complete(assets):
        return None
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "assets"
        fresh.mkdir()
        versions = extract(download(Path(temporary)), fresh)
        if assets.exists():
            shutil.rmtree(assets)
        assets.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(fresh, assets)
    return versions


def main() -> int:
    """Provide the assets; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--force", action="store_true", help="take them again although they are there")
    parser.add_argument("--optional", action="store_true", help="say so and succeed when they can not be had")
    options = parser.parse_args()
    try:
        versions = provide(ASSETS, force=options.force)
    except AssetError as error:
        print(f"docs UI: no local assets, /docs and /redoc will use the CDN ({error})", file=sys.stderr, flush=True)
        return 0 if options.optional else 1
    if versions is not None:
        print("docs UI: " + ", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
