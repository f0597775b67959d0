"""The text log: one chain for everybody's records, and keys never in it."""

import io
import json
import logging
import stat

import pytest
import structlog

from proxyctl.config.secret import Secret, redact
from proxyctl.daemon import logs
from proxyctl.daemon.logs import log_to_file, log_to_terminal

KEY = "sk-live-0123456789"


@pytest.fixture(autouse=True)
def untouched_logging():
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    structlog.reset_defaults()


def hide(text: str) -> str:
    return redact(text, [Secret(KEY)])


def refuse() -> None:
    raise RuntimeError(f"refused {KEY}")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "log" / "daemon.log"


def read(file) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_ours_and_a_librarys_records_have_one_shape(file) -> None:
    sink = log_to_file(file, "info", hide)
    structlog.get_logger("proxyctl.x").info("opened", port=8094)
    logging.getLogger("some.library").warning("it took %d s", 3, extra={"where": "here"})
    sink.close()
    ours, theirs = read(file)

    assert (ours["event"], ours["port"], ours["level"], ours["logger"]) == ("opened", 8094, "info", "proxyctl.x")
    assert (theirs["event"], theirs["where"], theirs["level"]) == ("it took 3 s", "here", "warning")
    assert ours["timestamp"].endswith("Z")


def test_a_key_is_taken_out_wherever_it_hides(file) -> None:
    sink = log_to_file(file, "info", hide)
    log = structlog.get_logger("proxyctl")
    log.info(
        KEY,
        header=f"Bearer {KEY}",
        deep={"list": [KEY, {KEY: 1}]},
        thing=ValueError(KEY),
        raw=b"a" + KEY.encode(),
    )
    logging.getLogger("lib").warning("%s", KEY)
    try:
        refuse()
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("lib").exception("failed too")
    sink.close()
    text = file.read_text()

    assert KEY not in text
    assert len(read(file)) == 4
    assert text.count("RuntimeError: refused ***") == 2


def test_new_keys_after_a_reload_are_hidden_too(file) -> None:
    sink = log_to_file(file, "info", lambda text: text)
    sink.redact = hide
    structlog.get_logger().info(KEY)
    sink.close()

    assert read(file)[0]["event"] == "***"


def test_the_level_decides_and_can_be_changed(file) -> None:
    sink = log_to_file(file, "warning", hide)
    log = structlog.get_logger("proxyctl")
    log.info("not heard")
    sink.set_level("debug")
    log.debug("heard")
    logging.getLogger("hypercorn.error").info("chatter")
    sink.close()

    assert [line["event"] for line in read(file)] == ["heard"]


def test_the_log_rotates_and_every_file_is_private(file, monkeypatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    monkeypatch.setattr(logs, "KEPT_FILES", 2)
    file.parent.mkdir()
    file.touch(mode=0o644)
    sink = log_to_file(file, "info", hide)
    for number in range(200):
        structlog.get_logger().info("line", number=number)
    sink.close()
    files = sorted(file.parent.iterdir())

    assert [each.name for each in files] == ["daemon.log", "daemon.log.1", "daemon.log.2"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert read(files[0])[-1]["number"] == 199


def test_a_disk_that_is_full_does_not_end_anything(file, capsys, monkeypatch) -> None:
    sink = log_to_file(file, "info", hide)

    def full(_text: str) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sink._output.stream, "write", full)
    structlog.get_logger().info("lost")
    sink.close()

    assert "the log cannot be written: [Errno 28]" in capsys.readouterr().err


def test_people_get_lines_without_keys() -> None:
    terminal = io.StringIO()
    sink = log_to_terminal(terminal, "info", hide)
    structlog.get_logger("proxyctl").info("opened", key=KEY)
    sink.close()

    assert "opened" in terminal.getvalue()
    assert "key=***" in terminal.getvalue()
    assert "\x1b[" not in terminal.getvalue()
