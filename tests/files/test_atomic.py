import contextlib
import errno
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
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
    with pytest.raises(OSError, match=r"No space left on device: '.*/file'"):
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


@contextlib.contextmanager
def without_rights():
    """Be a user who may not write everything."""
    root = os.geteuid() == 0
    if root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if root:
            os.setresuid(0, 0, 0)


@pytest.mark.parametrize("attempt", [check_writable, lambda path: write(path, "new")])
def test_what_a_user_may_not_write(attempt, monkeypatch):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are root's alone
        folder = Path(name)
        folder.chmod(0o777)
        for part, mode in (("locked", 0o555), ("secret", 0o000)):
            (folder / part).mkdir()
            (folder / part / "model").write_text("old")
            (folder / part).chmod(mode)
        (folder / "fixed").write_text("old")
        (folder / "fixed").chmod(0o444)
        monkeypatch.chdir(folder)
        with without_rights():
            for path in ("fixed", "locked/model", "locked/new", "secret/model", "secret/new"):
                with pytest.raises(PermissionError, match=rf"Permission denied.*: '{path}'"):
                    attempt(path)
            assert Path("fixed").read_text() == Path("locked/model").read_text() == "old"
            attempt("new")
        for part in ("locked", "secret"):
            (folder / part).chmod(0o700)
            assert os.listdir(folder / part) == ["model"]


def test_check_writable_changes_nothing(tmp_path):
    path = tmp_path / "file"
    check_writable(path)
    assert os.listdir(tmp_path) == []
    path.write_text("old")
    check_writable(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


WRITER = """
import os, signal, sys
from chainrule.files.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("new")
    print("writing", flush=True)
    sys.stdin.readline()
"""


def begin_to_write(path):
    """Start a process that has written half of a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writing\n"
    return process


def test_what_a_killed_process_left_is_removed(tmp_path):
    killed = [begin_to_write(tmp_path / "killed") for _ in range(2)]
    for process in killed:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert len(os.listdir(tmp_path)) == 2
    write(tmp_path / "file", "new")
    assert os.listdir(tmp_path) == ["file"]


def test_what_another_process_is_writing_stays(tmp_path):
    with begin_to_write(tmp_path / "other") as process:
        (being_written,) = os.listdir(tmp_path)
        os.utime(tmp_path / being_written, (0, 0))  # however long it takes
        write(tmp_path / "file", "new")
        assert sorted(os.listdir(tmp_path)) == [being_written, "file"]
        process.communicate("\n")
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]
    assert (tmp_path / "other").read_text() == "new"


def test_what_one_thread_is_writing_stays(tmp_path):
    with atomic_path(tmp_path / "a") as a:
        a.write_text("a")
        write(tmp_path / "b", "b")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize(
    "name", [".chainrule-0123abcd-0123456789abcdef.part", ".chainrule-0123456789abcdef.part"]
)
def test_files_of_another_host_or_the_first_release_are_removed_after_a_day(tmp_path, name):
    other = tmp_path / name
    other.write_text("")
    write(tmp_path / "file", "new")
    assert other.exists()
    now = other.stat().st_mtime
    os.utime(other, (now, now - 25 * 3600))
    write(tmp_path / "file", "new")
    assert not other.exists()


def test_nothing_else_is_removed(tmp_path):
    (tmp_path / "precious").write_text("")
    names = [
        ".chainrule-0123456789abcdef.part.txt",
        "chainrule-0123456789abcdef.part",
        ".chainrule-mine.part",
    ]
    for name in names:
        (tmp_path / name).write_text("")
    (tmp_path / ".chainrule-0000000000000000.part").symlink_to(tmp_path / "precious")
    (tmp_path / ".chainrule-1111111111111111.part").mkdir()
    os.mkfifo(tmp_path / ".chainrule-2222222222222222.part")
    before = sorted(os.listdir(tmp_path))
    for entry in os.scandir(tmp_path):
        os.utime(entry.path, (0, 0), follow_symlinks=False)
    write(tmp_path / "precious", "new")
    assert sorted(os.listdir(tmp_path)) == before


def test_locks_that_the_file_system_has_not(tmp_path, monkeypatch):
    def none(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    with begin_to_write(tmp_path / "killed") as process:
        process.kill()
    (left,) = os.listdir(tmp_path)
    monkeypatch.setattr("fcntl.flock", none)
    write(tmp_path / "file", "new")
    assert sorted(os.listdir(tmp_path)) == [left, "file"]
    os.utime(tmp_path / left, (0, 0))
    write(tmp_path / "file", "new")
    assert os.listdir(tmp_path) == ["file"]


FULL = """
import resource, sys
from chainrule.files.atomic import atomic_path
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with atomic_path(sys.argv[1]) as temporary:
        temporary.write_bytes(bytes(5000))
except OSError as error:
    print(error)
"""


def test_full_disk_is_told_with_the_file(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"[Errno 27] File too large: '{tmp_path / 'file'}'\n"
    assert os.listdir(tmp_path) == []


def test_errors_about_other_files_keep_their_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="source"), atomic_path(tmp_path / "file"):
        (tmp_path / "source").read_text()


def test_names_of_any_kind(tmp_path):
    for name in ("重み é.safetensors", "a" * 255, " ", "-", "*?[a]", "new\nline"):
        write(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
    with pytest.raises(OSError, match=r"File name too long: '.*aaa'"):
        write(tmp_path / ("a" * 256), "new")
    with pytest.raises(ValueError, match="null"):
        write(tmp_path / "a\0b", "new")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing/file", "No such file or directory; there is no folder '{}/missing': make it first"),
        ("missing/deeper/file", "there is no folder '{}/missing/deeper': make it first"),
        ("here/file", "Not a directory; '{}/here' is a file, not a folder: write to another place"),
        ("folder", "Is a directory; name a file in it"),
        ("link", "there is no folder '{}/nowhere': make it first"),
    ],
)
def test_what_to_do_where_the_folder_is_to_blame(tmp_path, path, words):
    (tmp_path / "here").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "file")
    with pytest.raises(OSError, match=re.escape(words.format(tmp_path))):
        check_writable(tmp_path / path)


@pytest.mark.parametrize("write", ["save", "to_onnx", "export_c", "checkpoint", "derive", "predictions"])
def test_every_writer_says_what_to_do(tmp_path, write):
    import chainrule

    path = tmp_path / "missing" / "file.csv"
    net = chainrule.Network([2, 3, 1], random_state=0)
    x, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
    writers = {
        "save": lambda: net.save(path),
        "to_onnx": lambda: net.to_onnx(path),
        "export_c": lambda: net.export_c(path),
        "checkpoint": lambda: chainrule.MLPRegressor(checkpoint=path, max_iter=1).fit(x, y),
        "derive": lambda: chainrule.derive(net, x[0], y[:1]).to_html(path),
        "predictions": lambda: write_predictions(path),
    }
    with pytest.raises(FileNotFoundError, match=f"there is no folder '{tmp_path}/missing': make it first"):
        writers[write]()


def write_predictions(path):
    import chainrule

    table = {"x": range(40), "y": [0.5 * k for k in range(40)]}
    model = chainrule.TableModel.fit(table, "y", epochs=1, hidden_layer_sizes=2, number="x")
    model.write_predictions(table, path)
