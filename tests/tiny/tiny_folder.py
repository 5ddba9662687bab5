"""The tiny checkpoints beside this file, as numbers and as folders with another config.json."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/config.json"))


def config(name):
    return json.loads((HERE / name / "config.json").read_text(encoding="utf-8"))


def expected(name):
    """ids [61], and what transformers 5.23.0 computes for them in float32: logits [61, 320]."""
    with np.load(HERE / name / "expected.npz") as file:
        return file["ids"], file["logits"]


def tensors(name):
    """Name to float32 array."""
    data = (HERE / name / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    found = {}
    for key, entry in header.items():
        assert entry["dtype"] == "F32", key
        begin, end = entry["data_offsets"]
        found[key] = np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])
    return found


def write(folder, name, changed, extra=None):
    """The checkpoint `name` with `changed` as its config.json, and the tensors of `extra` beside its own."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(changed), encoding="utf-8")
    if not extra:
        (folder / "model.safetensors").write_bytes((HERE / name / "model.safetensors").read_bytes())
        return
    header, data = {}, b""
    for key, values in {**tensors(name), **extra}.items():
        entry = values.astype("<f4").tobytes()
        header[key] = {"dtype": "F32", "shape": values.shape, "data_offsets": [len(data), len(data) + len(entry)]}
        data += entry
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def older_config(new):
    """The same settings as folders had them before transformers 5."""
    old = {key: value for key, value in new.items() if key not in ("rope_parameters", "layer_types", "dtype")}
    old["torch_dtype"] = new["dtype"]
    old["transformers_version"] = "4.40.0"
    kind = new["model_type"]
    rope = new.get("rope_parameters")
    if kind == "gemma3_text":
        old["rope_theta"] = rope["full_attention"]["rope_theta"]
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        old["rope_scaling"] = None
        old["sliding_window_pattern"] = old.pop("_sliding_window_pattern")
    elif kind == "gpt_neox":
        old["rotary_emb_base"] = rope["rope_theta"]
        old["rotary_pct"] = rope["partial_rotary_factor"]
    elif rope is not None:
        old["rope_theta"] = rope["rope_theta"]
        if "partial_rotary_factor" in rope:
            old["partial_rotary_factor"] = rope["partial_rotary_factor"]
        scaling = {key: value for key, value in rope.items() if key not in ("rope_theta", "partial_rotary_factor")}
        old["rope_scaling"] = scaling if rope["rope_type"] != "default" else None
    if kind == "gpt2":
        old["n_ctx"] = new["n_positions"]
    if kind == "gemma2":
        old["hidden_act"] = new["hidden_activation"]
    if kind == "qwen3_moe":
        old["num_experts"] = old.pop("num_local_experts")
    return old


def run_logits(model, ids, words, path):
    program = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
    command = [program, "logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", path, "-t", "1"]
    return subprocess.run([*command, "--math", "f32", *words], capture_output=True)


def logits(model, ids, words):
    """What `lathe logits` computes of a folder or file, in float32."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "logits.npy")
        result = run_logits(model, ids, words, path)
        if result.returncode != 0:
            raise AssertionError(result.stderr.decode())
        return np.load(path)


def refusal(model):
    """What `lathe logits` says of a folder or file that it refuses."""
    result = run_logits(model, [1], [], os.devnull)
    if result.returncode != 1:
        raise AssertionError(f"exit status {result.returncode} and not 1")
    return result.stderr.decode()
