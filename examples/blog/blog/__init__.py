"""A small blog: a Flask application as one writes it, with a factory, two blueprints, a database and a command.

Nothing here knows Fenrir. It runs on Flask, and the steps beside this package bring it over.
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask

from blog import accounts, posts, store

__all__ = ["create_app"]


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Return the application; `config` wins over the environment (BLOG_DATABASE, BLOG_SECRET)."""
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE=os.environ.get("BLOG_DATABASE", "blog.db"),
        SECRET_KEY=os.environ.get("BLOG_SECRET", "for trying it out only"),
    )
    app.config.from_mapping(config or {})
    store.init_app(app)
    app.register_blueprint(accounts.bp)
    app.register_blueprint(posts.bp)
    return app
