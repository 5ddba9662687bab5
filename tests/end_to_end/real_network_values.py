"""What real networks give: how outputs are got from Lathe, and how those of another program are kept in a file."""
import pathlib
import re
import subprocess
import tempfile

import numpy as np

MOST_SAMPLES = 48


def described(array):
    """Type, shape, greatest magnitude and elements that are far apart."""
    flat = np.asarray(array).reshape(-1)
    places = np.linspace(0, max(flat.size - 1, 0), min(MOST_SAMPLES, flat.size)).astype(np.int64)
    return {"type": str(flat.dtype), "shape": list(np.shape(array)),
            "greatest": float(np.abs(flat.astype(np.float64)).max(initial=0)),
            "places": places.tolist(), "elements": [float(f"{x:.7g}") for x in flat[places].astype(np.float64)]}


def given(folder, inputs):
    """The words that give Lathe these inputs."""
    words = []
    for name, array in inputs.items():
        path = folder / (re.sub(r"[^\w.-]", "_", name) + ".npy")
        np.save(path, array)
        words += ["--input", f"{name}={path}"]
    return words


def outputs_of(program, network, words, names, threads=2):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([program, "exec", str(network), "-t", str(threads), "--warm-up", "0", "--duration", "0",
                               "--iterations", "1", "--output", folder, *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"lathe exec {network} ended with {done.returncode}\n{done.stderr[-2000:]}")
        return {name: np.load(pathlib.Path(folder) / (re.sub(r"[^\w.-]", "_", name) + ".npy")) for name in names}
