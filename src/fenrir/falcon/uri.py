"""Reading and writing parts of URIs in the way that requests and forms need them."""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from fenrir.falcon.http_error import encode_uri as encode
from fenrir.falcon.http_error import encode_uri_checked as encode_check_escaped

__all__ = ["decode", "encode", "encode_check_escaped", "encode_value", "parse_host", "parse_query_string"]


def decode(encoded_uri: str, unquote_plus: bool = True) -> str:
    """Undo percent-encoding; bytes that are not UTF-8 are replaced."""
    text = encoded_uri.replace("+", " ") if unquote_plus else encoded_uri
    return unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text


def encode_value(uri: str) -> str:
    """Percent-encode a value, delimiters included."""
    return quote(uri, safe="-._~")


def parse_query_string(query_string: str, keep_blank: bool = False, csv: bool = False) -> dict[str, str | list[str]]:
    """Return the fields of a query: text, or a list of texts for a repeated name.

    Args:
        keep_blank: keep fields without a value.
        csv: split values at commas that are not encoded.
    """
    params: dict[str, str | list[str]] = {}
    for field in query_string.split("&"):
        name, _, value = field.partition("=")
        if not value and not (keep_blank and name):
            continue
        name = decode(name)
        several = csv and "," in value
        values = [decode(piece) for piece in value.split(",") if piece or keep_blank] if several else [decode(value)]
        present = params.get(name)
        if present is None:
            params[name] = values if several else values[0]
        elif isinstance(present, list):
            present += values
        else:
            params[name] = [present, *values]
    return params


def parse_host(host: str, default_port: int | None = None) -> tuple[str, int | None]:
    """Split "host:port" and "[address]:port"; the brackets are dropped."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        if bracket and not rest:
            return name, default_port
        port = rest.removeprefix(":")
        return name, int(port) if port.isdigit() else default_port
    name, colon, port = host.partition(":")
    if colon and ":" in port:
        return host, default_port  # an address of version 6 without brackets
    return name, int(port) if port.isdigit() else default_port
