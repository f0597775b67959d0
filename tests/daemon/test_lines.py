"""The end of a file that another process writes."""

from proxyctl.daemon.lines import last_lines


def test_the_last_lines_oldest_first_without_blank_ones(tmp_path) -> None:
    file = tmp_path / "f"
    file.write_text("one\n\ntwo\n  \nthree\n")

    assert last_lines(file, 2) == ("two", "three")


def test_a_long_file_is_not_read_whole(tmp_path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 1_000_000 + b"\nlast\xff\n")

    assert last_lines(file, 1) == ("last�",)


def test_no_file_has_no_lines(tmp_path) -> None:
    assert last_lines(tmp_path / "none") == ()
    assert last_lines(tmp_path) == ()
