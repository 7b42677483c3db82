"""Files and folders that are written whole: what an interruption leaves, and what is put right again."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillsearch import files
from skillsearch.files import recover_folder, remove_leftovers, replace_folder, sync_folder, write_atomically


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_nothing_is_left_of_a_file_that_was_interrupted(error: type[BaseException], tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "file", parts())
    assert list(tmp_path.iterdir()) == []


def test_two_threads_write_beside_each_other(tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def parts(content: bytes) -> Iterator[bytes]:
        both.wait()
        yield content
        both.wait()

    threads = [
        threading.Thread(target=write_atomically, args=(tmp_path / "file", parts(content)))
        for content in (b"a" * 9, b"b" * 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in (b"a" * 9, b"b" * 9)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_names_are_on_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    real = os.fsync

    def fsync(file: int) -> None:
        waited.append(os.readlink(f"/proc/self/fd/{file}"))
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "a" / "b" / "file", "text")
    assert {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")} <= set(waited)
    waited.clear()
    sync_folder(tmp_path)
    names = ("", "a", "a/b", "a/b/file")
    assert sorted(waited) == sorted(str(tmp_path / name) for name in names)


def test_leftovers_are_those_of_one_file(tmp_path: Path) -> None:
    for name in (".CURRENT.123", ".CURRENT.0a", ".other.1", "CURRENT"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path / "CURRENT")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.1", "CURRENT"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder, and a finished one that is to take its place."""
    for name in ("folder", "finished"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name, encoding="utf-8")
    return tmp_path / "folder", tmp_path / "finished"


def test_a_folder_is_replaced(folders: tuple[Path, Path]) -> None:
    folder, finished = folders
    replace_folder(finished, folder)
    assert (folder / "name").read_text(encoding="utf-8") == "finished"
    assert list(folder.parent.iterdir()) == [folder]


@pytest.fixture
def _interrupted(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after the older folder was set aside, before the new one takes its place."""
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == folders[1]:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)


@pytest.mark.usefixtures("_interrupted")
def test_ctrl_c_puts_the_folder_back(folders: tuple[Path, Path]) -> None:
    folder, finished = folders
    with pytest.raises(KeyboardInterrupt):
        replace_folder(finished, folder)
    assert (folder / "name").read_text(encoding="utf-8") == "folder"


@pytest.mark.usefixtures("_interrupted")
def test_a_folder_is_found_again_after_a_kill(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, finished = folders
    monkeypatch.setattr(files, "recover_folder", lambda folder: None)  # a killed process does not get there
    with pytest.raises(KeyboardInterrupt):
        replace_folder(finished, folder)
    assert not folder.exists()
    recover_folder(folder)
    assert (folder / "name").read_text(encoding="utf-8") == "folder"
    assert sorted(folder.parent.iterdir()) == [finished, folder]
