"""Linking: what a plan knows of its route, and which hooks it has."""

from __future__ import annotations

from fenrir.core.declare import Mode, Stage
from fenrir.testing import Client

from .neutral import App


def test_a_plan_knows_its_route(app: App) -> None:
    inner = app.scope("inner")
    app.route("/a/{id:int}/{name}", lambda id, name: None, scope=inner, name="x", body_limit=5, methods=["PUT", "GET"])
    (plan,) = app.engine.frozen.plans
    assert plan.names == ("id", "name") and plan.title == "GET,PUT /a/{id:int}/{name}"
    assert plan.scope is inner and plan.dialect is app.dialect and plan.body_limit == 5
    assert str(plan.source).startswith("test_plan.py:")
    assert plan.text.startswith("def work(c, x, p):")


def test_a_plan_has_the_hooks_that_apply(app: App) -> None:
    inner = app.scope("inner")
    names: dict[str, str] = {}
    for name, scope, stage in (
        ("b1", None, Stage.BEFORE_HANDLER), ("b2", inner, Stage.BEFORE_HANDLER), ("t", None, Stage.TEARDOWN),
        ("a1", None, Stage.AFTER_HANDLER), ("a2", inner, Stage.AFTER_HANDLER), ("w", None, Stage.WRAP),
    ):  # fmt: skip

        async def hook(*args: object) -> None:
            """Do nothing."""

        hook.__qualname__ = name
        app.hook(stage, scope=scope)(hook)
    app.route("/inner", lambda: None, scope=inner)
    app.route("/outer", lambda: None)
    app.route("/ws", lambda: None, mode=Mode.LOOP, methods=(), websocket=True, scope=inner)
    for plan in app.engine.frozen.plans:
        names[plan.route.pattern.text] = ",".join(hook.title for hook in plan.hooks)
    assert names == {"/inner": "b1,b2,a2,a1,t", "/outer": "b1,a1,t", "/ws": ""}


def test_hooks_only_for_routes_are_not_in_the_plan_of_what_no_route_took(app: App) -> None:
    app.hook(Stage.BEFORE_HANDLER, unrouted=False)(lambda c: None)
    assert app.engine.frozen.missing.hooks == ()
    app.hook(Stage.BEFORE_HANDLER)(lambda c: None)
    assert len(app.engine.frozen.missing.hooks) == 1


def test_a_program_is_written_for_the_first_request(app: App) -> None:
    app.route("/used", lambda: "x")
    app.route("/unused", lambda: "x")
    app.engine.freeze()
    used, unused = app.engine.frozen.plans
    with Client(app.engine) as client:
        assert [client.get("/used").status_code for _ in range(2)] == [200, 200]
    assert used._text is not None and used.run.__name__ == "plan"
    assert unused._text is None
    assert unused.text == used.text and unused.run.__name__ == "plan"
