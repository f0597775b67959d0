"""The readiness line: what a starting daemon tells its parent."""

import os

import pytest

from proxyctl.daemon.ready import ReadinessLine, Ready, Refused, decode, encode

READY = Ready(
    pid=7,
    address="http://127.0.0.1:8094",
    version="0.1",
    instance="abc",
    config_path="/c",
    log_path="/l",
    providers=("one",),
    first=("wrote /c",),
    notes=("careful",),
)
REFUSED = Refused(code="config_invalid", message="line 1: no\nline 2: no", hint="fix it")


@pytest.mark.parametrize("message", [READY, REFUSED])
def test_a_message_is_one_line_and_comes_back_whole(message) -> None:
    line = encode(message)

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == message


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"Traceback (most recent", b'{"type":"else"}', b'{"type":"ready"}', b"[1]"]
)
def test_anything_else_is_no_message(line) -> None:
    with pytest.raises(ValueError, match="no readiness line"):
        decode(line)


def test_a_parent_reads_one_line_and_the_end() -> None:
    read, write = os.pipe()
    line = ReadinessLine(write)
    line.ready(READY)
    line.refuse(REFUSED)  # too late: it has been said
    line.close()
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == encode(READY)


def test_a_parent_that_is_gone_is_no_reason_to_die() -> None:
    read, write = os.pipe()
    os.close(read)
    ReadinessLine(write).ready(READY)


def test_without_a_parent_people_are_told(capsys) -> None:
    line = ReadinessLine(None)
    line.ready(READY)
    line.refuse(REFUSED)
    line.close()
    out, err = capsys.readouterr()

    assert out == ""
    assert err == (
        "proxyctl 0.1 at http://127.0.0.1:8094 (pid 7)\nwrote /c\ncareful\n"
        "error: line 1: no\nline 2: no\nhint: fix it\n"
    )
