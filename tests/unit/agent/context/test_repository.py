"""Parser of git's output, and repository addresses without secrets."""

from __future__ import annotations

import pytest

from sweepd_agent.context.repository import Repository, checkout, without_credentials

STATUS = """# branch.oid 3f1c
# branch.head main
# branch.upstream origin/main
# branch.ab +0 -0
"""


def test_a_clean_checkout_is_not_dirty() -> None:
    assert checkout(STATUS) == Repository(commit="3f1c", branch="main", dirty=False)


@pytest.mark.parametrize("line", ["1 .M N... 100644 100644 100644 a b f.py", "2 R. N... x", "u UU N... x"])
def test_a_changed_file_makes_it_dirty(line: str) -> None:
    assert checkout(f"{STATUS}{line}\n").dirty


def test_a_missing_commit_or_branch_stays_empty() -> None:
    status = "# branch.oid (initial)\n# branch.head (detached)\n? new.py\n"
    assert checkout(status) == Repository(commit="", branch="", dirty=False)


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://me:s3cret@host.example/a/b.git\n", "https://host.example/a/b.git"),
        ("https://s3cret@host.example/a.git", "https://host.example/a.git"),
        ("https://me:s3c/ret@host.example/a.git", "https://me:s3c/ret@host.example/a.git"),
        ("https://host.example/a.git?token=s3cret", "https://host.example/a.git"),
        ("https://host.example/a.git#s3cret", "https://host.example/a.git"),
        ("ssh://git:s3cret@host.example:22/a.git", "ssh://host.example:22/a.git"),
        ("git@host.example:a/b.git", "git@host.example:a/b.git"),
        ("me:s3cret@host.example:a/b.git", "me@host.example:a/b.git"),
        ("/srv/repos/a.git", "/srv/repos/a.git"),
        ("file:///srv/a.git", "file:///srv/a.git"),
        ("odd@@s3cret@host:x", "host:x"),
    ],
)
def test_remotes_are_shown_without_credentials(remote: str, shown: str) -> None:
    assert without_credentials(remote) == shown
