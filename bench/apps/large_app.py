"""A large application, the same source for FastAPI and for Fenrir: models that refer to each other, and routes with
parameters, bodies, response models and dependencies.
"""

# No postponed annotations: those of the handlers name what is local.

from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model


def make_models(count: int) -> list[Any]:
    """Return models; every third one has a list of the one before it."""
    made: list[Any] = []
    for number in range(count):
        fields: dict[str, Any] = {
            "id": (int, ...),
            "name": (str, Field(min_length=1, max_length=80)),
            "price": (float | None, Field(default=None, ge=0)),
            "tags": (list[str], Field(default_factory=list)),
        }
        if number % 3 == 2:
            fields["parts"] = (list[made[-1]], Field(default_factory=list))
        made.append(create_model(f"Model{number}", __base__=BaseModel, **fields))
    return made


def declare(api: Any, models: list[Any], count: int) -> Any:
    """Return an application with routers of fifty routes each."""
    app = api.FastAPI(title="Large")

    def session(token: Annotated[str | None, api.Header()] = None) -> str:
        return token or ""

    def page(offset: int = 0, limit: Annotated[int, api.Query(ge=1, le=100)] = 20) -> tuple[int, int]:
        return offset, limit

    def add(router: Any, number: int) -> None:
        model = models[number % len(models)]
        kind = number % 4
        if kind == 0:

            @router.get(f"/r{number}/{{item_id}}", response_model=model, name=f"read_{number}")
            async def read(item_id: int, q: str | None = None) -> Any:
                return {"id": item_id, "name": q or "a"}

        elif kind == 1:

            @router.get(f"/r{number}", response_model=list[model], name=f"list_{number}")
            async def listed(where: Annotated[tuple[int, int], api.Depends(page)]) -> Any:
                return []

        elif kind == 2:

            @router.post(f"/r{number}", response_model=model, status_code=201, name=f"create_{number}")
            async def create(item: model, who: Annotated[str, api.Depends(session)]) -> Any:
                return item

        else:

            @router.put(f"/r{number}/{{item_id}}", name=f"change_{number}")
            def change(item_id: int, item: model, who: Annotated[str, api.Depends(session)]) -> dict[str, int]:
                return {"id": item_id}

    for first in range(0, count, 50):
        router = api.APIRouter(prefix=f"/part{first}", tags=[f"part {first}"])
        for number in range(first, min(first + 50, count)):
            add(router, number)
        app.include_router(router)
    return app
