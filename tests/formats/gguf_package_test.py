"""Files written by the gguf package, read by us: every value, every tensor's type, shape and place."""
import json
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "gguf_tool")
TYPES = ["F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL",
         "MXFP4", "IQ4_XS", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]


def read(path):
    result = subprocess.run([TOOL, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit(f"refused: {result.stderr.decode()}")
    return json.loads(result.stdout)


def same(name, actual, expected):
    if actual != expected:
        sys.exit(f"{name}: {actual!r}, expected {expected!r}")


def write(path, alignment, random):
    writer = gguf.GGUFWriter(path, "llama")
    if alignment != 32:
        writer.add_custom_alignment(alignment)
    values = {
        "x.u8": ("add_uint8", 200), "x.i8": ("add_int8", -100), "x.u16": ("add_uint16", 60000),
        "x.i16": ("add_int16", -30000), "x.u32": ("add_uint32", 4000000000), "x.i32": ("add_int32", -2000000000),
        "x.u64": ("add_uint64", 2**63 + 5), "x.i64": ("add_int64", -2**62), "x.f32": ("add_float32", 0.15625),
        "x.f64": ("add_float64", 1.1e-200), "x.bool": ("add_bool", True), "x.text": ("add_string", "grün\n日本"),
        "x.ints": ("add_array", [1, -2, 3]), "x.reals": ("add_array", [0.5, -8.0]),
        "x.texts": ("add_array", ["a", "", "ß"]), "x.bools": ("add_array", [True, False]),
    }
    for key, (method, value) in values.items():
        getattr(writer, method)(key, value)
    tensors = []
    for i, name in enumerate(TYPES):
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        shape = [(3, 2 * elements), (elements,), (2, 1, 3 * elements), (1, 2, 2, elements)][i % 4]
        row = shape[-1] // elements * size
        data = random.integers(0, 60, (*shape[:-1], row), np.uint8)  # no factor or float that is not finite
        writer.add_tensor(f"t.{name}", data, raw_dtype=kind)
        tensors.append({"name": f"t.{name}", "dtype": name.lower(), "shape": list(shape), "bytes": data.size})
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {key: value for key, (_, value) in values.items()}, tensors


def main():
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        for alignment in (32, 8, 4096):
            path = os.path.join(folder, f"{alignment}.gguf")
            values, tensors = write(path, alignment, random)
            seen = read(path)
            same("architecture", seen["architecture"], "llama")
            for key, value in values.items():
                same(key, seen["metadata"][key], value)
            offset = 0
            same("count", len(seen["tensors"]), len(tensors))
            for actual, expected in zip(seen["tensors"], tensors):
                same(expected["name"], actual, expected | {"offset": offset})
                offset += (expected["bytes"] + alignment - 1) // alignment * alignment
    print("as the gguf package wrote them")


if __name__ == "__main__":
    main()
