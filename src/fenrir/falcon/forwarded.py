"""The Forwarded header (RFC 7239): one element for each proxy."""

from __future__ import annotations

from dataclasses import dataclass

from fenrir.http.headers import parse_dict_params, split_list

__all__ = ["Forwarded", "parse_forwarded"]


@dataclass(slots=True)
class Forwarded:
    """What one proxy said: `for`, `by`, `host`, `proto`."""

    src: str | None = None
    dest: str | None = None
    host: str | None = None
    scheme: str | None = None


def parse_forwarded(header: str) -> list[Forwarded]:
    """Return the elements in order; what is malformed is ignored."""
    hops: list[Forwarded] = []
    for element in split_list(header):
        fields = parse_dict_params(f"hop; {element}")[1]
        scheme = fields.get("proto")
        hop = Forwarded(fields.get("for"), fields.get("by"), fields.get("host"), scheme.lower() if scheme else None)
        if hop != Forwarded():
            hops.append(hop)
    return hops
