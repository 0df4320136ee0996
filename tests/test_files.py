"""Files are written as a whole, whoever else writes them, or not at all."""

import multiprocessing
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from ttfs import _files
from ttfs._files import write_text

# Long enough for a write to take several calls of the system.
TEXTS = [f"{k}\n" * 50_000 for k in range(4)]

NOBODY = 65534  # the number of a user who may write where everybody may


@pytest.fixture
def folder():
    """A folder of a user for whom permissions count, which they do not for root."""
    with tempfile.TemporaryDirectory() as name:
        user = os.geteuid()
        if user == 0:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(user)


@pytest.fixture
def usual_umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


def insist_on_whole_texts(path, is_over):
    """Read the file again and again until the writers are over."""
    n_seen = 0
    while n_seen == 0 or not is_over():
        if path.exists():
            assert path.read_text() in TEXTS
            n_seen += 1


def write_often(path, text):
    for _ in range(10):
        write_text(path, text)


def test_threads_that_write_one_file(tmp_path):
    path, errors = tmp_path / "model.c", []

    def write(text):
        try:
            write_often(path, text)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in TEXTS]
    for thread in threads:
        thread.start()
    insist_on_whole_texts(path, lambda: not any(t.is_alive() for t in threads))
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_write_one_file(tmp_path):
    path, context = tmp_path / "model.c", multiprocessing.get_context("fork")
    writers = [
        context.Process(target=write_often, args=(path, text)) for text in TEXTS[:3]
    ]
    for writer in writers:
        writer.start()
    insist_on_whole_texts(path, lambda: not any(w.is_alive() for w in writers))
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_written_as_it_is(tmp_path):
    path = tmp_path / "model.c"
    write_text(str(path), "é\n\r\n\n")
    assert path.read_bytes() == "é\n\r\n\n".encode()
    write_text(path, "")
    assert path.read_bytes() == b""


def test_permissions_are_those_of_a_plain_open(tmp_path, usual_umask):
    path, plain = tmp_path / "model.c", tmp_path / "plain.c"
    write_text(path, "new")
    plain.write_text("new")
    assert permissions(path) == permissions(plain) == 0o640
    for mode in 0o600, 0o666, 0o755:
        path.chmod(mode)
        write_text(path, "replaced")
        assert permissions(path) == mode


def test_a_planted_link_is_not_followed(tmp_path, monkeypatch):
    # The names of other files in the folder may be known, so it opens none of them.
    path, victim = tmp_path / "model.c", tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f"model.c.{os.getpid()}.part").symlink_to(victim)
    write_text(path, "model")
    monkeypatch.setattr(_files.secrets, "token_hex", lambda n: "guessed")
    guessed = tmp_path / ".guessed.part"
    guessed.symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_text(path, "other")
    assert (victim.read_text(), path.read_text()) == ("precious", "model")
    assert guessed.is_symlink()
    assert not path.is_symlink()


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    file, link = folder / "model.c", tmp_path / "link.c"
    link.symlink_to("folder/model.c")
    for text in "new", "replaced":  # a link to no file makes it, as open() does
        write_text(link, text)
        assert link.is_symlink()
        assert file.read_text() == text
    assert list(folder.iterdir()) == [file]


def test_a_link_to_itself(tmp_path):
    link = tmp_path / "link.c"
    link.symlink_to(link)
    with pytest.raises(OSError, match=r"link\.c"):
        write_text(link, "text")
    assert link.is_symlink()


def test_a_folder_that_is_read_only(folder):
    old, new = folder / "old.c", folder / "new.c"
    old.write_text("old")
    folder.chmod(0o555)
    try:
        for path in old, new:
            with pytest.raises(PermissionError) as caught:
                write_text(path, "text")
            message = f"Permission denied (in the folder {str(folder)!r})"
            assert caught.value.strerror == message
            assert caught.value.filename == str(path)
        assert list(folder.iterdir()) == [old]
    finally:
        folder.chmod(0o755)
    assert old.read_text() == "old"


def test_a_file_that_is_read_only(folder):
    path = folder / "model.c"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"model\.c"):
        write_text(path, "text")
    assert path.read_text() == "old"
    assert list(folder.iterdir()) == [path]


def test_paths_that_are_no_files(tmp_path):
    missing = tmp_path / "none" / "model.c"
    with pytest.raises(FileNotFoundError, match="none") as caught:
        write_text(missing, "text")
    assert caught.value.filename == str(missing)
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "text")
    with pytest.raises(TypeError):
        write_text(3, "text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_what_fails_leaves_nothing(name, error, tmp_path, monkeypatch):
    path, text = tmp_path / "model.c", "text"
    path.write_text("old")

    def fail(*args):
        raise error

    if name == "write":
        text = "\udc80"  # has no UTF-8
        error = UnicodeEncodeError("utf-8", text, 0, 1, "")
    else:
        monkeypatch.setattr(os, name, fail)
    with pytest.raises(type(error)):
        write_text(path, text)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_a_pipe_is_written_to():
    reader, writer = os.pipe()
    write_text(f"/dev/fd/{writer}", "é\n")
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == "é\n".encode()
