"""Files that appear under their names whole, or not at all."""

import os
import re
import socket
import stat
import tempfile
from contextlib import contextmanager, suppress
from typing import Iterator, Union

Path = Union[str, "os.PathLike[str]"]


def check_target(path: Path) -> None:
    """Refuses, before anything has been computed, a path that cannot be written to."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder!r} to write {path} to; make it first")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder; name a file in it")
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{path} is no regular file, and would be replaced by one; name another")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"folder {folder!r} may not be written to")


@contextmanager
def replaced_whole(path: Path) -> Iterator[str]:
    """A temporary name beside `path`, which takes its place when the body is through. Of a link, it
    takes the place of what the link names. What killed writers left of this file is swept up."""
    folder, base = os.path.split(os.path.realpath(path))
    prefix = f".{base}.{socket.gethostname()}."
    _sweep(folder, prefix)
    handle, temporary = tempfile.mkstemp(prefix=f"{prefix}{os.getpid()}-", dir=folder)
    os.close(handle)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, os.path.join(folder, base))
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _sweep(folder: str, prefix: str) -> None:
    """Removes what writers on this machine left that no longer run."""
    for name in os.listdir(folder):
        writer = re.match(re.escape(prefix) + r"(\d+)-", name)
        if writer and not _runs(int(writer[1])):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _umask() -> int:
    """The process's file mode mask, which mkstemp does not apply as open does."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
