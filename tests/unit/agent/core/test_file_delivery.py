"""Each file is delivered in its newest version; one that is too large is reported as left out."""

from __future__ import annotations

from sweepd.file_limits import MAX_FILE_BYTES, MAX_RUN_BYTES
from sweepd_agent.core.file_delivery import Deliveries, FileVersion


def a_file(size: int = 10, modified: int = 1) -> FileVersion:
    return FileVersion(path="/x", size=size, modified=modified, inode=1)


def test_the_smallest_file_is_sent_first_and_each_once() -> None:
    files = Deliveries({})
    files.update({"large": a_file(100), "small": a_file(1), "middle": a_file(50)})
    sent = []
    while (chosen := files.next()) is not None:
        sent.append(chosen[0])
        files.sent(*chosen, len(sent))
    assert sent == ["small", "middle", "large"]
    assert not files.done
    files.acknowledged(2)
    assert not files.done
    files.acknowledged(3)
    assert files.done


def test_a_file_that_changed_while_it_was_sent_is_sent_again() -> None:
    files = Deliveries({})
    files.update({"a": a_file()})
    files.sent("a", a_file(), 1)
    files.update({"a": a_file(modified=2)})
    files.acknowledged(1)
    assert not files.done
    assert files.next() == ("a", a_file(modified=2))


def test_a_file_that_an_earlier_agent_delivered_is_not_sent_again() -> None:
    files = Deliveries({"a": a_file()})
    files.update({"a": a_file()})
    assert files.done
    assert files.next() is None


def test_a_file_that_was_in_flight_is_sent_again_on_another_stream() -> None:
    files = Deliveries({})
    files.update({"a": a_file()})
    files.sent("a", a_file(), 1)
    assert files.next() is None
    files.resend_in_flight()
    assert files.next() == ("a", a_file())


def test_a_file_that_was_removed_is_not_waited_for() -> None:
    files = Deliveries({})
    files.update({"a": a_file()})
    files.forget("a")
    assert files.next() is None
    assert files.done


def test_a_file_that_is_too_large_is_not_sent() -> None:
    files = Deliveries({})
    files.update({"huge": a_file(MAX_FILE_BYTES + 1), "fits": a_file(MAX_FILE_BYTES)})
    assert files.left_out("huge") == "it is larger than 16 MiB"
    assert not files.left_out("fits")


def test_all_files_of_a_run_together_have_a_size_limit() -> None:
    count = MAX_RUN_BYTES // MAX_FILE_BYTES
    each = {f"f{number:02}": a_file(MAX_FILE_BYTES) for number in range(count + 1)}
    files = Deliveries({})
    files.update(each)
    taken = 0
    while (chosen := files.next()) is not None:
        name, seen = chosen
        if files.left_out(name):
            break
        taken += 1
        files.sent(name, seen, taken)
    assert taken == count
    assert files.left_out(f"f{count:02}") == "the files of the run are larger than 256 MiB"


def test_the_number_of_files_newly_delivered_is_returned() -> None:
    files = Deliveries({})
    names = ["a", "b", "c"]
    files.update({name: a_file() for name in names})
    for number, name in enumerate(names, start=1):
        files.sent(name, a_file(), number)
    assert [files.acknowledged(number) for number in (0, 2, 2, 9)] == [0, 2, 0, 1]
    assert files.delivered == {name: a_file() for name in names}


def test_files_of_equal_size_are_sent_in_the_order_of_their_names() -> None:
    files = Deliveries({})
    files.update({"b": a_file(), "a": a_file()})
    assert files.next() == ("a", a_file())


def test_a_file_delivered_without_its_content_takes_none_of_the_size_limit() -> None:
    """A file too large is delivered without its content, and a new version replaces the one before."""
    full = {f"f{number:02}": a_file(MAX_FILE_BYTES) for number in range(MAX_RUN_BYTES // MAX_FILE_BYTES)}
    files = Deliveries({**full, "huge": a_file(MAX_FILE_BYTES + 1)})
    files.update({**full, "huge": a_file(MAX_FILE_BYTES + 1), "f00": a_file(MAX_FILE_BYTES, 2)})
    assert files.left_out("f00") == ""
    files.update({**full, "new": a_file(1)})
    assert files.left_out("new") == "the files of the run are larger than 256 MiB"
    files = Deliveries(full)
    files.update({"new": a_file(1)})
    assert files.left_out("new") == "", "the content on disk is within the limit"
