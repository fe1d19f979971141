"""The response, as async applications see it: rendering is awaited."""

from __future__ import annotations

from fenrir.falcon import response

__all__ = ["Response"]


class Response(response.Response):
    """What a responder writes, with `await resp.render_body()`."""

    async def render_body(self) -> bytes | None:
        """Return the body as bytes, None when there is none (or a stream)."""
        return await self.render_async()
