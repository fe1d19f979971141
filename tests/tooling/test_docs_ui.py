"""tools/docs_ui.py on small wheels made here: what it takes, that it runs once, that a failure leaves no mess."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "docs_ui.py"


@pytest.fixture
def docs_ui() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_ui", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def carrier(docs_ui: ModuleType, folder: Path, *, leave_out: str = "") -> Path:
    """Write a wheel as the carrier is laid out, one file left out if asked."""
    wheel = folder / "drf_spectacular_sidecar-2026.1.0-py3-none-any.whl"
    contents = {
        "swagger-ui-bundle.js": 'PACKAGE_VERSION:"5.33.1"',
        "redoc.standalone.js": '" ReDoc Version: ","2.5.4") src:"https://cdn.redoc.ly/redoc/logo-mini.svg"',
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, member in docs_ui.FILES.items():
            if name != leave_out:
                archive.writestr(member, contents.get(name, name))
    return wheel


def test_assets_versions_and_digests_are_written(
    docs_ui: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs_ui, "download", lambda folder: carrier(docs_ui, folder))
    assets = tmp_path / "openapi" / "assets"
    versions = {"drf-spectacular-sidecar": "2026.1.0", "swagger-ui": "5.33.1", "redoc": "2.5.4"}
    assert docs_ui.provide(assets) == versions
    record = json.loads((assets / "version.json").read_text())
    assert record["package"] == "drf-spectacular-sidecar"
    assert record["versions"] == versions
    assert {path.name for path in assets.iterdir()} == {"version.json", *docs_ui.FILES}
    for name, value in record["sha256"].items():
        assert hashlib.sha256((assets / name).read_bytes()).hexdigest() == value
    assert "cdn.redoc.ly" not in (assets / "redoc.standalone.js").read_text()


def test_a_second_run_downloads_nothing(docs_ui: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads: list[Path] = []

    def download(folder: Path) -> Path:
        downloads.append(folder)
        return carrier(docs_ui, folder)

    monkeypatch.setattr(docs_ui, "download", download)
    docs_ui.provide(tmp_path / "assets")
    assert docs_ui.provide(tmp_path / "assets") is None
    assert len(downloads) == 1
    (tmp_path / "assets" / "swagger-ui.css").write_text("changed by someone")
    assert docs_ui.provide(tmp_path / "assets") is not None
    assert docs_ui.complete(tmp_path / "assets")


def test_an_unknown_layout_is_an_error_and_leaves_what_was_there(
    docs_ui: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docs_ui, "download", lambda folder: carrier(docs_ui, folder))
    docs_ui.provide(tmp_path / "assets")
    monkeypatch.setattr(docs_ui, "download", lambda folder: carrier(docs_ui, folder, leave_out="swagger-ui.css"))
    with pytest.raises(docs_ui.AssetError, match="not laid out as expected"):
        docs_ui.provide(tmp_path / "assets", force=True)
    assert docs_ui.complete(tmp_path / "assets")


def test_without_the_package_the_set_up_goes_on_and_says_so(
    docs_ui: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(folder: Path) -> Path:
        raise docs_ui.AssetError("no network")

    monkeypatch.setattr(docs_ui, "download", download)
    monkeypatch.setattr(docs_ui, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr("sys.argv", ["docs_ui.py", "--optional"])
    assert docs_ui.main() == 0
    assert "will use the CDN (no network)" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["docs_ui.py"])
    assert docs_ui.main() == 1
    assert not (tmp_path / "assets").exists()
