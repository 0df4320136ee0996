"""The C headers that come with the package."""

from pathlib import Path


def get_include() -> str:
    """Folder of the C headers.

    Returns
    -------
    folder : str
        It holds ``ttfs_fixed.h``, the arithmetic of integers in C99, and
        ``ttfs_device.h``, the same for small processors.

    See Also
    --------
    ttfs.export.to_c : Writes it with a model, as one file.

    Examples
    --------
    >>> import os
    >>> import ttfs
    >>> "ttfs_fixed.h" in os.listdir(ttfs.get_include())
    True
    """
    # The folder is a package without Python files. A clone has it beside `ttfs`, where
    # an editable installation does not look for it.
    try:
        from . import include
    except ImportError:
        return str(Path(__file__).resolve().parent.parent / "include")
    return include.__path__[0]
