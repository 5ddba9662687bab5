#!/usr/bin/env python3
"""Writes the ONNX project's conformance suite as folders, for `lathe onnx-suite`. Needs the package onnx.

    export_onnx_suite.py FOLDER

    FOLDER/<kind>/<test>/model.onnx
    FOLDER/<kind>/<test>/data.json                                    {"rtol", "atol", "kind"}
    FOLDER/<kind>/<test>/test_data_set_<n>/input_<i>.pb, output_<i>.pb

A data set's files are TensorProto, or SequenceProto or OptionalProto where the graph's type says so; inputs are those
of the graph without an initializer, in its order. A folder that the same version of the package wrote is left as it is.
"""
import argparse
import json
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
import onnx.backend.test.loader
from onnx import numpy_helper
from onnx.backend.test.runner import Runner

warnings.filterwarnings("ignore", category=RuntimeWarning, module="onnx")  # its tests divide by zero on purpose

KINDS = ("node", "real", "simple", "pytorch-converted", "pytorch-operator")
PACKAGE = pathlib.Path(onnx.__file__).parent


def message_of(value, info):
    """A value of a test case, which may be NumPy's or Python's, as the message that its type in the graph asks for."""
    if hasattr(value, "SerializeToString"):
        return value
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(list(value), info.name)
    if kind == "optional_type" and value is None:
        return numpy_helper.from_optional(None, info.name, dtype=onnx.OptionalProto.TENSOR)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return numpy_helper.from_array(np.asarray(value), info.name)


def write_data_set(folder, graph, inputs, outputs):
    folder.mkdir()
    for name, infos, values in (("input", graph.input, inputs), ("output", graph.output, outputs)):
        for i, value in enumerate(values):
            (folder / f"{name}_{i}.pb").write_bytes(message_of(value, infos[i]).SerializeToString())


def write_made_in_memory(test, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(test.model.SerializeToString())
    for i, (inputs, outputs) in enumerate(test.data_sets):
        write_data_set(folder / f"test_data_set_{i}", test.model.graph, inputs, outputs)


def write_network(test, folder):
    """Networks whose output the package has in a file; what their input is, its test runner says."""
    source = PACKAGE.parent / test.url
    if not source.exists():
        sys.exit(f"{test.name}: the package has no {source}")
    graph = onnx.load(source).graph
    initialized = {tensor.name for tensor in graph.initializer}
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    shutil.copyfile(source, folder / "model.onnx")
    for i, info in enumerate(info for info in graph.input if info.name not in initialized):
        tensor = numpy_helper.from_array(Runner.generate_dummy_data(info), info.name)
        (data / f"input_{i}.pb").write_bytes(tensor.SerializeToString())
    shutil.copyfile(source.with_name(source.stem + "_output_0.pb"), data / "output_0.pb")


def write_test(test, folder):
    if test.model is not None:
        write_made_in_memory(test, folder)
    elif test.model_dir:
        shutil.copytree(test.model_dir, folder)
    else:
        write_network(test, folder)
    tolerances = {"rtol": test.rtol, "atol": test.atol, "kind": test.kind}
    (folder / "data.json").write_text(json.dumps(tolerances) + "\n")


def export(folder):
    """Writes beside the folder and renames, so that a folder that is there is whole."""
    stamp = folder / "version"
    if stamp.exists() and stamp.read_text() == onnx.__version__:
        return
    new = folder.with_name(folder.name + ".new")
    for old in (new, folder):
        if old.exists():
            shutil.rmtree(old)
    for kind in KINDS:
        tests = onnx.backend.test.loader.load_model_tests(kind=kind)
        for test in tests:
            write_test(test, new / kind / test.name)
        print(f"{kind}: {len(tests)} tests", file=sys.stderr)
    (new / "version").write_text(onnx.__version__)
    new.rename(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path, help="made, with the folders above it; replaced where another "
                        "version of the package wrote it")
    folder = parser.parse_args().folder
    if folder.exists() and not (folder / "version").exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is there and is no exported suite")
    folder.parent.mkdir(parents=True, exist_ok=True)
    export(folder)


if __name__ == "__main__":
    main()
