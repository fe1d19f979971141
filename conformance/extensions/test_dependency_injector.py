"""Handlers that a container wires."""

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient


def test_dependency_injector():
    import sys

    from dependency_injector import containers, providers
    from dependency_injector.wiring import Provide, inject

    class C(containers.DeclarativeContainer):
        config = providers.Configuration()
        service = providers.Factory(dict, a=1)

    app = FastAPI()

    @app.get("/a")
    @inject
    async def a(s: Annotated[dict, Depends(Provide[C.service])]):
        return s

    @app.get("/b")
    @inject
    def b(s: dict = Depends(Provide[C.service])):
        return s

    globals()["a"] = a
    globals()["b"] = b
    container = C()
    container.wire(modules=[sys.modules[__name__]])
    c = TestClient(app)
    assert c.get("/a").json() == {"a": 1}
    assert c.get("/b").json() == {"a": 1}
    with container.service.override({"a": 2}):
        assert c.get("/a").json() == {"a": 2}
