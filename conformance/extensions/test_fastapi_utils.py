"""Views in classes, models in camel case, a router that infers."""

from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient


def test_fastapi_utils():
    from fastapi_utils.api_model import APIModel
    from fastapi_utils.cbv import cbv

    router = APIRouter()

    class M(APIModel):
        some_name: int

    def dep(x: int = 1):
        return x

    @cbv(router)
    class V:
        x: int = Depends(dep)

        @router.get("/v")
        def v(self) -> int:
            return self.x

        @router.get("/m", response_model=M)
        async def m(self):
            return M(someName=self.x)

    app = FastAPI()
    app.include_router(router)
    c = TestClient(app)
    assert c.get("/v?x=4").json() == 4
    assert c.get("/m").json() == {"someName": 1}
    from fastapi_utils.inferring_router import InferringRouter

    r = InferringRouter()

    @r.get("/i")
    def i() -> int:
        return "3"

    app.include_router(r)
    assert c.get("/i").json() == 3
