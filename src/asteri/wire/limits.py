"""How large the parts of a request may be. Each limit names its precedents."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UNSENT", "UNSENT_LARGE", "Limits"]

UNSENT = 128 * 1024
"""Bytes of an answer that the kernel takes for a connection before the peer's window has room for them (Linux,
TCP_NOTSENT_LOWAT). Without a bound a client that does not read holds 3.9 MB of the kernel's memory, and a thousand of
them make everybody wait (`make reliability ARGS="attackers --modes read"`)."""

UNSENT_LARGE = 1024 * 1024
"""The same for a connection that is given a large body at once, which is in memory anyway: it leaves with fewer turns
of the loop (bench, download: 290 -> 115 us of CPU for 1 MiB)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in bytes, unless said otherwise.

    Attributes:
        request_line: whole request line; more is 414.
        header: one header line; more is 431.
        header_count: number of header lines; more is 431.
        header_total: the header block, and the trailer block; more is 431.
        chunk_extensions: chunk extensions of one message together; more is 400.
        body: request body as counted on the wire; more is 413. None: unlimited.
        underscores: a field whose name has an underscore is dropped; False: the request is refused with 400.
    """

    request_line: int = 8 * 1024  # Apache LimitRequestLine 8190, nginx large_client_header_buffers 8k, gunicorn 4094
    header: int = 16 * 1024  # Apache LimitRequestFieldSize 8190, nginx 8k, Node 16 KiB in total, gunicorn 8190
    header_count: int = 100  # Apache LimitRequestFields 100, gunicorn 100, Kestrel 100
    header_total: int = 64 * 1024  # nginx 4 x 8k, Kestrel 32 KiB, uvicorn's h11 64 KiB, Node 16 KiB
    chunk_extensions: int = 16 * 1024  # Node 16 KiB since CVE-2024-22019
    body: int | None = None  # nginx 1 MiB, Kestrel 30 MB, uvicorn and gunicorn none
    underscores: bool = True  # nginx and gunicorn drop such fields too
