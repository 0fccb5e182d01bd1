"""Files that appear whole or not at all."""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

#: Names of files that are being written: .chainrule-HOST-RANDOM.part, of the first release without host.
PART = re.compile(r"\.chainrule-(?:([0-9a-f]{8})-)?[0-9a-f]{16}\.part")
#: Seconds after which a file is abandoned whose writer a lock cannot tell us of.
ABANDONED = 24 * 3600


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
    keeps its permissions, a new one gets those of any new file. What processes left behind that were
    killed while they wrote into the directory is removed.

    Parameters
    ----------
    path : str or path-like
        File to write.
    commit : bool
        False removes the new file in any case.

    Yields
    ------
    Path
        The file to write to, in the same directory. It is to be opened, not replaced by another.

    Raises
    ------
    OSError
        Where `path` is a directory or a device, its directory is missing, or writing is not permitted or
        fails. It names `path`.

    Notes
    -----
    The writer holds a lock (flock) on the new file, which ends with its process, however that ends. So a file
    of this host without a lock is abandoned. On a file system that hosts share, locks may be known to each
    host alone: another host's file is abandoned when it has not been written to for a day.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = _mode_of_existing(target, os.fspath(path))
        temporary, handle = _new_part(target.parent)
    except OSError as error:
        raise _about(path, error, _what_to_do(target, os.fspath(path))) from None
    try:
        _remove_abandoned(temporary)
        try:
            if mode is not None:
                os.chmod(temporary, mode)
            yield temporary
            if commit:
                _to_disk(temporary)
                os.replace(temporary, target)
        except OSError as error:
            if error.filename is not None and str(error.filename) != str(temporary):
                raise  # of another file, which the body read
            raise _about(path, error) from error
        if commit:
            with contextlib.suppress(OSError):  # not every file system can
                _to_disk(target.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.close(handle)


def _about(path: str | os.PathLike[str], error: OSError, advice: str = "") -> OSError:
    """Return the same error with the name that the user gave, and what to do."""
    reason = (error.strerror or str(error)) + advice
    return OSError(error.errno, reason, os.fspath(path)) if error.errno else OSError(f"{path}: {reason}")


def _what_to_do(target: Path, given: str) -> str:
    """Return what to do where the folder of `target` hinders writing to it; "" where it does not."""
    folder = next(one for one in (target.parent, *target.parent.parents) if os.path.lexists(one))
    if os.path.isdir(target):
        return "; name a file in it"
    if not os.path.isdir(folder):
        return f"; {str(folder)!r} is a file, not a folder: write to another place"
    if folder != target.parent:
        named = os.path.dirname(given)
        named = str(target.parent) if os.path.isdir(named) else named  # where `given` is a link
        return f"; there is no folder {named!r}: make it first, or write to another place"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"; files in {str(folder)!r} are not yours to write: write to another place"
    return ""


def _new_part(folder: Path) -> tuple[Path, int]:
    """Make an empty file and lock it; return its name and the handle that holds the lock."""
    while True:
        path = folder / f".chainrule-{_this_host()}-{secrets.token_hex(8)}.part"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # not every file system can
            fcntl.flock(handle, fcntl.LOCK_EX)
        if path.exists():
            return path, handle
        os.close(handle)  # somebody took it for abandoned before it was locked


def _remove_abandoned(new: Path) -> None:
    """Remove what killed writers left in the directory of `new`, which has just been made."""
    now = new.stat().st_mtime  # by the clock of the file system, which may be another computer's
    with contextlib.suppress(OSError), os.scandir(new.parent) as entries:
        for entry in entries:
            name = PART.fullmatch(entry.name)
            if name and entry.name != new.name:
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(entry.path, name[1] == _this_host(), now)


def _remove_if_abandoned(path: str, ours: bool, now: float) -> None:
    old = os.lstat(path).st_mtime < now - ABANDONED
    if not (ours or old):
        return
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # its writer lives
        except OSError:  # there are no locks
            if not old:
                return
        os.unlink(path)
    finally:
        os.close(handle)


def _this_host() -> str:
    return hashlib.sha256(os.uname().nodename.encode(errors="replace")).hexdigest()[:8]


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
