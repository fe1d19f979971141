"""The first step: the blog runs on Flask as before, whole, below a Fenrir application; new routes stand beside it.

fenrir run mounted:app
"""

import os

from blog import create_app

from fenrir import Fenrir, session

old = create_app()
app = Fenrir(__name__, secret_key=old.secret_key, static_folder=None)  # /static is the blog's
app.mount_wsgi("/", old)


@app.get("/api/me")
async def me() -> dict[str, int | None]:
    """Read the session that the blog wrote: it is the same cookie, signed with the same key."""
    return {"account": session.get("account")}


@app.get("/api/version")
async def version() -> dict[str, str]:
    return {"version": os.environ.get("BLOG_VERSION", "development")}
