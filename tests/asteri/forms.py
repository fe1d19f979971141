"""Load the compiled and the interpreted form of the server's modules side by side in one process."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

import asteri

SOURCE = Path(asteri.__file__).parent
FORMS = ("compiled", "interpreted")
# In the order of their imports: everything that reaches a `*_cy` module must be loaded again on top of it.
FAMILY = (
    "asteri.wire.scan_cy",
    "asteri.wire.fields_cy",
    "asteri.wire.headers_cy",
    "asteri.wire.request_cy",
    "asteri.wire.response_cy",
    "asteri.wire.exchange_cy",
    "asteri.wire.frames_cy",
    "asteri.protocol.wheel_cy",
    "asteri.protocol.service_cy",
    "asteri.protocol.flow_cy",
    "asteri.protocol.step_cy",
    "asteri.protocol.h1_cy",
    "asteri.protocol.select",
    "asteri.wire.frames_cy",
    "asteri.protocol.waiter_cy",
    "asteri.protocol.ws_sender_cy",
    "asteri.protocol.ws_cy",
    "asteri.protocol.ws",
    "asteri.gateway.asgi_cy",
    "asteri.gateway.asgi",
    "asteri.gateway.environ_cy",
    "asteri.gateway.wsgi_cy",
    "asteri.gateway.wsgi",
)
_loaded: dict[str, dict[str, ModuleType]] = {}


def family(form: str) -> dict[str, ModuleType]:
    """Return the modules of one form by their short names; skip the test if the compiled form was not built."""
    if form not in _loaded:
        _loaded[form] = _load(form)
    return _loaded[form]


def _load(form: str) -> dict[str, ModuleType]:
    saved = {name: sys.modules.pop(name) for name in FAMILY if name in sys.modules}
    modules: dict[str, ModuleType] = {}
    try:
        for name in FAMILY:
            path = SOURCE.parent.joinpath(*name.split(".")).with_suffix(".py")
            if name.endswith("_cy") and form == "compiled":
                built = [path.with_name(path.stem + s) for s in EXTENSION_SUFFIXES]
                found = [candidate for candidate in built if candidate.exists()]
                if not found:
                    pytest.skip("the extension modules are not built")
                spec = importlib.util.spec_from_file_location(name, found[0])
            else:
                spec = importlib.util.spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
            modules[name.rpartition(".")[2]] = module
    finally:
        for name in FAMILY:
            sys.modules.pop(name, None)
        sys.modules.update(saved)
    return modules
