"""Look into a multipart form without copying it: where each part stands, so that one value can be replaced.

A form with a file may be tens of megabytes, all of which goes on as it came. Source: RFC 7578 and RFC 2046, 5.1.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import NamedTuple

from proxyctl.core.errors import DecodeError

_MOST_PARTS = 200
_LONGEST_HEAD = 4096
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class FormPart(NamedTuple):
    """One part: its content is `body[start:end]`. `is_file` when it names a file."""

    name: str
    is_file: bool
    start: int
    end: int


def boundary_of(content_type: str) -> bytes:
    """The boundary that a header names. Raises `DecodeError` when it is no form's, or names none."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary or not _BOUNDARY.fullmatch(boundary):
        raise DecodeError("the content type names no boundary of a form", path="content-type")
    return boundary.encode("ascii")


def parts_of(body: bytes, boundary: bytes) -> list[FormPart]:
    """The parts of a form, in order. Raises `DecodeError` where the form ends too early or a part has no name."""
    mark = b"--" + boundary
    at = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    if at == 1:
        raise DecodeError("the form's boundary is not in the body")
    parts: list[FormPart] = []
    while True:
        line_end = body.find(b"\r\n", at)
        rest = body[at + len(mark) : at + len(mark) + 2]
        if rest == b"--":
            return parts
        if line_end < 0 or len(parts) == _MOST_PARTS:
            raise DecodeError("the form does not end" if line_end < 0 else f"the form has over {_MOST_PARTS} parts")
        head_end = body.find(b"\r\n\r\n", line_end, line_end + _LONGEST_HEAD)
        following = body.find(b"\r\n" + mark, head_end + 4)
        if head_end < 0 or following < 0:
            raise DecodeError("the form does not end")
        name, is_file = _disposition(body[line_end + 2 : head_end])
        parts.append(FormPart(name, is_file, head_end + 4, following))
        at = following + 2


def value_of(body: bytes, parts: list[FormPart], name: str) -> tuple[str, FormPart]:
    """A text field that stands in the form once. Raises `DecodeError` otherwise."""
    found = [part for part in parts if part.name == name and not part.is_file]
    if len(found) != 1:
        raise DecodeError("it is required, once", path=name)
    [part] = found
    try:
        return body[part.start : part.end].decode(), part
    except UnicodeDecodeError as exc:
        raise DecodeError("it is not UTF-8", path=name) from exc


def replaced(body: bytes, part: FormPart, value: str) -> bytes:
    """The form with another value in one part."""
    return b"".join((body[: part.start], value.encode(), body[part.end :]))


def _disposition(head: bytes) -> tuple[str, bool]:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-disposition":
            header = Message()
            header["content-disposition"] = value.decode("utf-8", "replace").strip()
            field = header.get_param("name", header="content-disposition")
            if isinstance(field, str) and field:
                return field, header.get_filename() is not None
    raise DecodeError("a part of the form has no name")
