"""From a name back to a path."""

from __future__ import annotations

import pytest

from fenrir.core.urls import NoSuchName, find_plan, url_for

from .neutral import App


@pytest.fixture
def named(app: App) -> App:
    def users(**_: object) -> None:
        """One handler for two paths."""

    app.route("/users", users, name="users")
    app.route("/users/{id:int}", users, name="users")
    app.route("/files/{name}", lambda name: None, name="files")
    return app


@pytest.mark.parametrize(
    ("name", "values", "path"),
    [
        ("users", {}, "/users"),
        ("users", {"id": 5}, "/users/5"),
        ("users", {"page": 2, "none": None, "tag": ["a", "b"]}, "/users?page=2&tag=a&tag=b"),
        ("files", {"name": "a b"}, "/files/a%20b"),
    ],
)
def test_paths(named: App, name: str, values: dict[str, object], path: str) -> None:
    assert url_for(named.engine, name, values) == path


def test_the_plan_with_most_parameters_fits_best(named: App) -> None:
    assert find_plan(named.engine, "users", {"id": 1}).names == ("id",)


def test_mistakes(named: App) -> None:
    with pytest.raises(NoSuchName, match="did you mean 'users'"):
        url_for(named.engine, "user", {})
    with pytest.raises(NoSuchName, match=r"\(/files/\{name\}\) also needs name"):
        url_for(named.engine, "files", {})
    with pytest.raises(NoSuchName, match="'users'"):
        url_for(named.engine, "users", {"id": "five"})
    with pytest.raises(NoSuchName, match=r"no route has the name 'zzz'$"):
        url_for(named.engine, "zzz", {})
