import errno
import os
import stat
from pathlib import Path

import pytest

from chainrule.files.atomic import atomic_path, check_writable


def write(path, text):
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def test_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    write(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


def test_nothing_appears_before_the_end(tmp_path):
    path = tmp_path / "file"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_keeps_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_failing_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_new_file_has_the_mode_of_any_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write(tmp_path / "file", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_existing_file_keeps_its_mode(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o600)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_follows_links(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "file", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize("attempt", [check_writable, lambda path: write(path, "new")])
def test_what_cannot_be_written(tmp_path, attempt):
    (tmp_path / "file").write_text("old")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        attempt(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing/model"):
        attempt(tmp_path / "missing" / "model")
    with pytest.raises(NotADirectoryError, match="file/model"):
        attempt(tmp_path / "file" / "model")
    with pytest.raises(OSError, match="Not a regular file"):
        attempt("/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody may create files")
def test_forbidden_folder():
    with pytest.raises(OSError, match="/proc/model"):
        check_writable("/proc/model")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_write_protected_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="file"):
        write(path, "new")
    assert path.read_text() == "old"


def test_check_writable_changes_nothing(tmp_path):
    path = tmp_path / "file"
    check_writable(path)
    assert os.listdir(tmp_path) == []
    path.write_text("old")
    check_writable(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
