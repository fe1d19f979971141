"""The names: whatever a program imports from the original, it finds here."""

from __future__ import annotations

import importlib
import pkgutil
import warnings

import pytest
import starlette

# What is a way to do something rather than something to use, and telemetry (PARITY.md).
OTHERS = {
    "FormMessage",
    "LINE",
    "CENTER_LINE",
    "FRAME_TEMPLATE",
    "JS",
    "STYLES",
    "TEMPLATE",
    "ENFORCE_DOMAIN_WILDCARD",
    "MalformedRangeHeader",
    "MultipartPart",
    "RangeNotSatisfiable",
    "RequestBodyLimitResponder",
    "SERVER_PUSH_HEADERS_TO_COPY",
    "WSGIResponder",
    "unattached_send",
}

MODULES = sorted(
    module.name.partition(".")[2]
    for module in pkgutil.walk_packages(starlette.__path__, "starlette.")
    if not module.ispkg and "._" not in module.name and not module.name.endswith("opentelemetry")
)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_the_names_of_the_original(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = importlib.import_module(f"starlette.{name}")
        ours = importlib.import_module(f"fenrir.starlette.{name}")
    wanted = {
        public
        for public, value in vars(theirs).items()
        if not public.startswith("_")
        and getattr(value, "__module__", "") == theirs.__name__
        and type(value).__name__ not in ("TypeVar", "ParamSpec")
    }
    assert {public for public in wanted - OTHERS if not hasattr(ours, public)} == set()
