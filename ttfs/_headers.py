"""The C headers that come with the package."""


def get_include():
    """Folder of the C headers.

    Returns
    -------
    folder : str
        It holds ``ttfs_fixed.h``, the arithmetic of integers in C99.

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
    # A package without Python files: a clone finds that of the installed one.
    from ttfs import include

    return include.__path__[0]
