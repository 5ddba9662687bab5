"""Tiny checkpoints of every architecture: the logits of transformers from the folder, in both spellings of its
config.json, and the folder's from the same weights as GGUF; at once, token by token, in chunks, and without a cache.

Writes its measurements to tiny.json in the build directory, from which tools/make_models_table.py makes docs/models.md.
"""
import json
import os
import pathlib
import tempfile
import unittest

import numpy as np

import as_gguf
import tiny_folder
from tiny_folder import logits

BINARY_DIR = pathlib.Path(os.environ["LATHE_BINARY_DIR"])
WAYS = {"at once": ["--chunk", "61"], "token by token": ["--chunk", "1"], "chunks of 7": ["--chunk", "7"],
        "without a cache": ["--kv", "off"]}
FOLDER_BOUND, GGUF_BOUND = 1e-4, 1e-5


class Tiny(unittest.TestCase):
    results = []

    @classmethod
    def tearDownClass(cls):
        (BINARY_DIR / "tiny.json").write_text(json.dumps(cls.results, indent=1) + "\n", encoding="utf-8")

    def check(self, name, model, source, wanted, bound):
        """Every way of computing against `wanted`; the logits at once."""
        ids, _ = tiny_folder.expected(name)
        computed = {}
        for way, words in WAYS.items():
            with self.subTest(name=name, source=source, way=way):
                computed[way] = logits(model, ids, words)
                difference = float(np.abs(computed[way] - wanted).max())
                self.results.append({"checkpoint": name, "model_type": tiny_folder.config(name)["model_type"],
                                     "source": source, "way": way, "difference": difference})
                self.assertLessEqual(difference, bound)
        return computed.get("at once")

    def check_all(self, name):
        config = tiny_folder.config(name)
        _, wanted = tiny_folder.expected(name)
        with tempfile.TemporaryDirectory() as folder:
            own = self.check(name, tiny_folder.HERE / name, "folder", wanted, FOLDER_BOUND)
            older = pathlib.Path(folder) / "older"
            tiny_folder.write(older, name, tiny_folder.older_config(config))
            self.check(name, older, "older folder", wanted, FOLDER_BOUND)
            path = os.path.join(folder, "model.gguf")
            as_gguf.write(path, config, tiny_folder.tensors(name))
            self.check(name, path, "gguf", own, GGUF_BOUND)


def add_test(name):
    setattr(Tiny, f"test_{name}", lambda self: self.check_all(name))


for each in tiny_folder.NAMES:
    add_test(each)

if __name__ == "__main__":
    unittest.main()
