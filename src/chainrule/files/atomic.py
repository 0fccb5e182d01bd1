"""Files that appear whole or not at all."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out, without touching `path`, whether `atomic_path` could write it; for before a long computation.

    Parameters
    ----------
    path : str or path-like
        File that will be written.

    Raises
    ------
    OSError
        Of the fitting kind (IsADirectoryError, FileNotFoundError, PermissionError, ...), with the path.
    """
    with atomic_path(path, commit=False):
        pass


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str], *, commit: bool = True) -> Iterator[Path]:
    """Give a new empty file beside `path` to write to, and put it in the place of `path` at the end.

    Nothing of that happens if the body raises: the file that was there before stays, the new one is
    removed. The bytes are on the disk before the name changes. A link is followed; a file that exists
    keeps its permissions, a new one gets those of any new file.

    Parameters
    ----------
    path : str or path-like
        File to write.
    commit : bool
        False removes the new file in any case.

    Yields
    ------
    Path
        The file to write to, in the same directory.

    Raises
    ------
    OSError
        Where `path` is a directory or a device, its directory is missing, or writing is not permitted.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of_existing(target, os.fspath(path))
    temporary = target.with_name(f".chainrule-{secrets.token_hex(8)}.part")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with open(handle, "rb", closefd=True):  # the name is ours now; the body opens it as it likes
            if mode is not None:
                os.chmod(temporary, mode)
        yield temporary
        if commit:
            _to_disk(temporary)
            os.replace(temporary, target)
            with contextlib.suppress(OSError):  # not every file system can
                _to_disk(target.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _mode_of_existing(target: Path, given: str) -> int | None:
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "Is a directory", given)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(22, "Not a regular file", given)
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied", given)
    return stat.S_IMODE(found.st_mode)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
