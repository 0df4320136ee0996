"""Files that are written as a whole, or not at all."""

import os
import secrets
import stat
from pathlib import Path

_NEW_MODE = 0o666  # of which the umask takes its part, as with a plain open()
_PERMISSIONS = 0o777


def write_text(path, text):
    """Write a text file that is complete at any time, or raise and leave all as it was.

    The text goes to a new file in the same folder, which then takes the place of the
    target: readers see the old contents or the new ones, of several writers the last
    one wins, and a failure leaves nothing behind. Behind a symbolic link the file that
    the link points to is replaced. A new file has the permissions that the umask
    leaves, a replaced one those that it had. A device or a pipe is written to directly.
    The text is in UTF-8, with line feeds as they are. An OSError names the target.
    """
    path = Path(path)
    mode = _mode_of(path)
    if mode is not None and not stat.S_ISREG(mode):
        path.write_text(text, encoding="utf-8", newline="\n")  # a folder raises
        return
    target = Path(os.path.realpath(path))
    try:
        _replace(target, text, mode)
    except OSError as error:
        message = f"{error.strerror} (in the folder {str(target.parent)!r})"
        raise OSError(error.errno, message, str(path)) from error


def _mode_of(path):
    """The mode of a file that may be written; None if there is no file yet."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            # A file that is protected from writing is not replaced either.
            path.open("r+b").close()
    except FileNotFoundError:
        return None
    return mode


def _replace(target, text, mode):
    """Put a new file in the place of the target, which is no symbolic link."""
    new_mode = _NEW_MODE if mode is None else mode & _PERMISSIONS
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    # Mode "x" opens no file and follows no link that is there already.
    with open(
        part,
        "x",
        encoding="utf-8",
        newline="\n",
        opener=lambda name, flags: os.open(name, flags, new_mode),
    ) as file:
        try:
            if mode is not None:
                os.fchmod(file.fileno(), new_mode)  # without the umask
            file.write(text)
            file.flush()
            # The name must not lead to the new file before its contents are stored.
            os.fsync(file.fileno())
            os.replace(part, target)
        except BaseException:
            part.unlink()
            raise
