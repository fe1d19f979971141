"""A whole application: SQLModel on SQLite, JWT with scopes, routers, tasks, uploads, WebSockets, CORS."""

import io
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import jwt
import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Query,
    Request,
    Security,
    UploadFile,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
    status,
)
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm, SecurityScopes
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from pydantic import BaseModel, EmailStr, ValidationError
from pydantic_settings import BaseSettings
from sqlalchemy.pool import StaticPool
from sqlmodel import Field, Relationship, Session, SQLModel, create_engine, func, select
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware

hasher = PasswordHash((BcryptHasher(rounds=4),))


class Settings(BaseSettings):
    secret: str = "a secret that is long enough for a test"
    minutes: int = 30


settings = Settings()


# ---------------------------------------------------------------------- models
class UserBase(SQLModel):
    email: EmailStr = Field(unique=True, index=True, max_length=255)
    full_name: str | None = Field(default=None, max_length=255)
    is_admin: bool = False


class User(UserBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    password: str
    items: list["Item"] = Relationship(back_populates="owner", cascade_delete=True)


class UserCreate(UserBase):
    password: str = Field(min_length=8)


class UserPublic(UserBase):
    id: int


class ItemBase(SQLModel):
    title: str = Field(min_length=1, max_length=40)
    description: str | None = None


class Item(ItemBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    owner_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    owner: User | None = Relationship(back_populates="items")


class ItemPublic(ItemBase):
    id: int
    owner_id: int


class ItemUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=40)
    description: str | None = None


class Page(BaseModel):
    data: list[ItemPublic]
    count: int


class Filter(BaseModel):
    model_config = {"extra": "forbid"}

    skip: int = Query(0, ge=0)
    limit: int = Query(10, ge=1, le=100)
    order: Literal["id", "title"] = "id"


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


# ---------------------------------------------------------------- dependencies
def get_session(request: Request) -> Generator[Session, None, None]:
    with Session(request.app.state.engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]
oauth2 = OAuth2PasswordBearer("/login/token", scopes={"items": "Change items.", "admin": "Change everything."})


def user_of(token: str, session: Session) -> tuple[User, list[str]]:
    payload = jwt.decode(token, settings.secret, algorithms=["HS256"])
    user = session.get(User, int(payload["sub"]))
    if user is None:
        raise jwt.InvalidTokenError
    return user, payload.get("scopes", [])


def get_user(scopes: SecurityScopes, token: Annotated[str, Depends(oauth2)], session: SessionDep) -> User:
    challenge = {"WWW-Authenticate": f'Bearer scope="{scopes.scope_str}"' if scopes.scopes else "Bearer"}
    try:
        user, granted = user_of(token, session)
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise HTTPException(401, "Could not validate credentials", headers=challenge) from error
    if any(scope not in granted for scope in scopes.scopes):
        raise HTTPException(403, "Not enough permissions", headers=challenge)
    return user


CurrentUser = Annotated[User, Depends(get_user)]
Writer = Annotated[User, Security(get_user, scopes=["items"])]
Admin = Annotated[User, Security(get_user, scopes=["admin"])]


# --------------------------------------------------------------------- routers
login = APIRouter(prefix="/login", tags=["login"])


@login.post("/token")
def token(form: Annotated[OAuth2PasswordRequestForm, Depends()], session: SessionDep) -> Token:
    user = session.exec(select(User).where(User.email == form.username)).first()
    if user is None or not hasher.verify(form.password, user.password):
        raise HTTPException(400, "Incorrect email or password")
    expires = datetime.now(UTC) + timedelta(minutes=settings.minutes)
    claims = {"sub": str(user.id), "exp": expires, "scopes": form.scopes}
    return Token(access_token=jwt.encode(claims, settings.secret, algorithm="HS256"))


users = APIRouter(prefix="/users", tags=["users"])


@users.post("/", response_model=UserPublic, status_code=201)
def register(user: UserCreate, session: SessionDep, tasks: BackgroundTasks, request: Request):
    if session.exec(select(User).where(User.email == user.email)).first():
        raise HTTPException(409, "The email is taken")
    row = User.model_validate(user, update={"password": hasher.hash(user.password)})
    session.add(row)
    session.commit()
    session.refresh(row)
    tasks.add_task(request.app.state.mails.append, row.email)
    return row


@users.get("/me", response_model=UserPublic)
def me(user: CurrentUser):
    return user


@users.delete("/{user_id}", status_code=204)
def remove(user_id: int, admin: Admin, session: SessionDep) -> None:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(404, "No such user")
    session.delete(user)
    session.commit()


async def known_client(x_client: Annotated[str, Header()] = "") -> None:
    if x_client == "bad":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "This client is not welcome")


items = APIRouter(prefix="/items", tags=["items"], dependencies=[Depends(known_client)])


@items.get("/", response_model=Page)
def read_items(session: SessionDep, user: CurrentUser, filter: Annotated[Filter, Query()]):
    mine = select(Item).where(Item.owner_id == user.id)
    count = session.exec(select(func.count()).select_from(mine.subquery())).one()
    rows = session.exec(mine.order_by(getattr(Item, filter.order)).offset(filter.skip).limit(filter.limit)).all()
    return {"data": rows, "count": count}


@items.post("/", response_model=ItemPublic, status_code=201)
async def write_item(item: ItemBase, session: SessionDep, user: Writer, request: Request) -> Item:
    row = Item.model_validate(item, update={"owner_id": user.id})

    def save():
        session.add(row)
        session.commit()
        session.refresh(row)

    await run_in_threadpool(save)
    for websocket in request.app.state.listeners:
        await websocket.send_json({"new": row.title})
    return row


@items.patch("/{item_id}", response_model=ItemPublic)
def change_item(item_id: int, change: ItemUpdate, session: SessionDep, user: Writer):
    row = session.get(Item, item_id)
    if row is None or row.owner_id != user.id:
        raise HTTPException(404, "No such item")
    row.sqlmodel_update(change.model_dump(exclude_unset=True))
    session.add(row)
    session.commit()
    session.refresh(row)
    return row


@items.post("/import")
async def import_items(
    session: SessionDep, user: Writer, file: Annotated[UploadFile, File()], prefix: Annotated[str, Form()] = ""
) -> dict[str, int]:
    titles = (await file.read()).decode().split()
    session.add_all([Item(title=prefix + title, owner_id=user.id) for title in titles])
    session.commit()
    return {"imported": len(titles)}


@items.get("/export")
def export(session: SessionDep, user: CurrentUser) -> StreamingResponse:
    titles = [row.title for row in session.exec(select(Item).where(Item.owner_id == user.id))]

    def lines():
        for title in titles:
            yield f"{title}\n"

    return StreamingResponse(lines(), media_type="text/csv", headers={"Content-Disposition": "attachment"})


live = APIRouter()


def socket_user(websocket: WebSocket, token: Annotated[str | None, Query()] = None) -> int:
    with Session(websocket.app.state.engine) as session:
        try:
            return user_of(token or "", session)[0].id or 0
        except jwt.InvalidTokenError:
            raise WebSocketException(status.WS_1008_POLICY_VIOLATION) from None


@live.websocket("/live")
async def listen(websocket: WebSocket, user: Annotated[int, Depends(socket_user)]):
    await websocket.accept()
    listeners = websocket.app.state.listeners
    listeners.append(websocket)
    try:
        async for text in websocket.iter_text():
            await websocket.send_json({"user": user, "text": text})
    except WebSocketDisconnect:
        pass
    finally:
        listeners.remove(websocket)


# ----------------------------------------------------------------- application
class Timing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        began = time.perf_counter()
        response = await call_next(request)
        response.headers["x-process-time"] = str(time.perf_counter() - began)
        return response


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict]:
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    app.state.engine, app.state.mails, app.state.listeners = engine, [], []
    yield {"release": "one"}
    engine.dispose()


def unique_id(route):
    return f"{route.tags[0] if route.tags else 'root'}-{route.name}"


def create_app() -> FastAPI:
    app = FastAPI(title="Items", lifespan=lifespan, generate_unique_id_function=unique_id)
    app.add_middleware(GZipMiddleware, minimum_size=500)
    app.add_middleware(Timing)
    app.add_middleware(
        CORSMiddleware, allow_origins=["http://front"], allow_methods=["*"], allow_headers=["*"], allow_credentials=True
    )
    api = APIRouter(prefix="/api/v1")
    for router in (login, users, items, live):
        api.include_router(router)
    app.include_router(api)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError):
        return JSONResponse({"errors": [".".join(map(str, row["loc"])) for row in error.errors()]}, 422)

    @app.get("/release", include_in_schema=False)
    async def release(request: Request):
        return request.state.release

    return app


@pytest.fixture
def client():
    with TestClient(create_app(), base_url="http://test/api/v1") as client:
        yield client


ADA = {"email": "ada@example.com", "password": "lovelace"}


def log_in(client, scopes="items", **who):
    who = ADA | who
    client.post("/users/", json=who)
    answer = client.post("/login/token", data={"username": who["email"], "password": who["password"], "scope": scopes})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_registering(client):
    made = client.post("/users/", json=ADA)
    assert made.status_code == 201
    assert made.json() == {"email": ADA["email"], "full_name": None, "is_admin": False, "id": 1}
    assert client.app.state.mails == [ADA["email"]]
    assert client.post("/users/", json=ADA).status_code == 409
    refused = client.post("/users/", json={"email": "no", "password": "short"})
    assert refused.json() == {"errors": ["body.email", "body.password"]}


def test_who_is_logged_in(client):
    ada = log_in(client)
    assert client.get("/users/me", headers=ada).json()["id"] == 1
    refused = client.get("/users/me")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/users/me", headers={"authorization": "Bearer x"}).status_code == 401
    assert client.post("/login/token", data={"username": "x", "password": "y"}).status_code == 400


def test_scopes(client):
    reader = log_in(client, scopes="")
    refused = client.post("/items/", json={"title": "a"}, headers=reader)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (403, 'Bearer scope="items"')
    assert client.delete("/users/1", headers=reader).status_code == 403
    admin = log_in(client, scopes="admin", email="root@example.com")
    assert client.delete("/users/1", headers=admin).status_code == 204
    assert client.get("/users/me", headers=reader).status_code == 401


def test_items(client):
    ada = log_in(client)
    for title in ("one", "two", "three"):
        assert client.post("/items/", json={"title": title}, headers=ada).status_code == 201
    page = client.get("/items/", params={"limit": 2, "order": "title"}, headers=ada).json()
    assert (page["count"], [row["title"] for row in page["data"]]) == (3, ["one", "three"])
    changed = client.patch("/items/2", json={"description": "new"}, headers=ada).json()
    assert changed == {"title": "two", "description": "new", "id": 2, "owner_id": 1}
    assert client.patch("/items/9", json={}, headers=ada).status_code == 404
    refused = client.get("/items/", params={"limit": 0, "colour": "red"}, headers=ada)
    assert sorted(refused.json()["errors"]) == ["query.colour", "query.limit"]
    assert client.get("/items/", headers=ada | {"x-client": "bad"}).status_code == 403


def test_upload_and_export(client):
    ada = log_in(client)
    answer = client.post(
        "/items/import", files={"file": ("a.txt", io.BytesIO(b"x y z"))}, data={"prefix": "_"}, headers=ada
    )
    assert answer.json() == {"imported": 3}
    exported = client.get("/items/export", headers=ada)
    assert exported.text == "_x\n_y\n_z\n"
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"


def test_live(client):
    ada = log_in(client)
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/api/v1/live?token=x"):
        pass
    assert closed.value.code == 1008
    with client.websocket_connect(f"/api/v1/live?token={ada['authorization'][7:]}") as websocket:
        websocket.send_text("hello")
        assert websocket.receive_json() == {"user": 1, "text": "hello"}
        client.post("/items/", json={"title": "told"}, headers=ada)
        assert websocket.receive_json() == {"new": "told"}


def test_middleware(client):
    ada = log_in(client)
    client.post("/items/import", files={"file": ("a", b"title " * 200)}, headers=ada)
    answer = client.get("/items/?limit=100", headers=ada | {"origin": "http://front", "accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["access-control-allow-origin"] == "http://front"
    assert float(answer.headers["x-process-time"]) > 0
    preflight = client.options("/items/", headers={"origin": "http://front", "access-control-request-method": "POST"})
    assert (preflight.status_code, preflight.text) == (200, "OK")


def test_documentation(client):
    document = client.get("http://test/openapi.json").json()
    operations = {
        operation["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert operations["items-change_item"] == ("patch", "/api/v1/items/{item_id}")
    assert len(operations) == 9
    schemes = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    assert schemes["flows"]["password"]["scopes"] == {"items": "Change items.", "admin": "Change everything."}
    assert client.get("http://test/release").json() == "one"
