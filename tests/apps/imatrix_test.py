"""lathe imatrix and what quantizing makes of importance: held to numpy, to files of others, and to texts that are too short."""
import json
import pathlib
import shutil
import struct
import tempfile
import unittest

import gguf
import numpy as np
from gguf.quants import dequantize
from tokenizers import pre_tokenizers

from program import lathe, out
from tokenizer_folders import TEXTS, byte_bpe, folder_with

TINY = pathlib.Path(__file__).resolve().parents[1] / "tiny"
CONTEXT = 48
MATRICES = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}


def tensors(path):
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def values(tensor):
    shape = [int(size) for size in reversed(tensor.shape)]
    return dequantize(tensor.data, tensor.tensor_type).astype(np.float64).reshape(shape)


def importance(path):
    """Name to (means of squares [matrices, columns], counts)."""
    found = tensors(path)
    return {name[:-len(".in_sum2")]: (np.array(tensor.data), np.array(found[name[:-len("in_sum2")] + "counts"].data))
            for name, tensor in found.items() if name.endswith(".in_sum2")}


class Importance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(shared.cleanup)
        place = pathlib.Path(shared.name)
        cls.folder = folder_with(byte_bpe([pre_tokenizers.ByteLevel(add_prefix_space=False)]), place / "folder")
        cls.text = place / "text.txt"
        cls.text.write_text("\n".join(TEXTS * 12))
        cls.source = place / "source.gguf"
        lathe("convert", cls.folder, "-o", cls.source)
        cls.importance = place / "importance.gguf"
        lathe("imatrix", "-m", cls.source, "--calibration", cls.text, "--ctx", CONTEXT, "-o", cls.importance)
        ids = json.loads(out("tokens", "-m", cls.source, "-", stdin=cls.text.read_text()))
        cls.ids = ids[:len(ids) // CONTEXT * CONTEXT]
        weights = {name: values(tensor) for name, tensor in tensors(cls.source).items()}
        hidden = weights["token_embd.weight"][cls.ids]
        epsilon = 1e-5
        hidden /= np.sqrt(np.square(hidden).mean(1, keepdims=True) + epsilon)
        cls.inputs = hidden * weights["blk.0.attn_norm.weight"]  # of the first layer's projections
        cls.weights = weights

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.output = self.place / "model.gguf"

    def quantize(self, *words, source=None, **options):
        return lathe("quantize", "-m", source or self.source, "-o", self.output, "--type", "q4_0", *words, **options)

    def calibrated(self, *words, **options):
        return self.quantize("--calibration", self.text, "--ctx", CONTEXT, *words, **options)

    def test_sums_are_those_of_the_inputs(self):
        found = importance(self.importance)
        self.assertEqual(set(found), {name[:-len(".weight")] + ".weight" for name in self.weights
                                      if name.split(".")[-2] in MATRICES})
        for name in ("attn_q", "attn_k", "attn_v"):
            sums, counts = found[f"blk.0.{name}.weight"]
            self.assertEqual(counts.tolist(), [[len(self.ids)]])
            np.testing.assert_allclose(sums[0], np.square(self.inputs).sum(0), rtol=1e-4)
        fields = gguf.GGUFReader(self.importance).fields
        self.assertEqual(fields["general.type"].contents(), "imatrix")
        self.assertEqual(fields["imatrix.datasets"].contents(), [str(self.text)])
        self.assertEqual(int(fields["imatrix.chunk_size"].contents()), CONTEXT)
        self.assertEqual(int(fields["imatrix.chunk_count"].contents()), len(self.ids) // CONTEXT)
        self.assertNotIn("general.architecture", fields)

    def test_each_expert_has_sums_of_its_own(self):
        folder = self.place / "experts"
        shutil.copytree(self.folder, folder)
        for name in ("config.json", "model.safetensors"):
            shutil.copy(TINY / "mixtral" / name, folder / name)
        path = self.place / "experts.gguf"
        lathe("imatrix", "-m", folder, "--calibration", self.text, "--ctx", CONTEXT, "-o", path)
        config = json.loads((folder / "config.json").read_text())
        for name, (sums, counts) in importance(path).items():
            if "_exps" not in name:
                continue
            self.assertEqual(sums.shape[0], config["num_local_experts"])
            self.assertEqual(counts.sum(), len(self.ids) * config["num_experts_per_tok"])
        self.quantize("--imatrix", path, source=folder)
        self.calibrated("--gptq", source=folder)

    def test_important_columns_are_rounded_better(self):
        weight = self.weights["blk.0.attn_q.weight"]
        squares = np.square(self.inputs).mean(0)

        def error():
            found = values(tensors(self.output)["blk.0.attn_q.weight"])
            return (np.square(found - weight) * squares).sum(), np.square(self.inputs @ (found - weight).T).sum()

        self.quantize()
        plain, plain_products = error()
        self.calibrated()
        self.assertLess(error()[0], 0.995 * plain)
        self.calibrated("--gptq")
        self.assertLess(error()[1], 0.85 * plain_products)

    def test_a_file_of_importance_is_as_good_as_the_text(self):
        self.calibrated()
        expected = {name: tensor.data.tobytes() for name, tensor in tensors(self.output).items()}
        fields = gguf.GGUFReader(self.output).fields
        self.assertEqual(fields["quantize.imatrix.dataset"].contents(), str(self.text))
        older = self.place / "older.dat"
        found = importance(self.importance)
        calls = 5
        data = struct.pack("<i", len(found))
        for name, (sums, counts) in found.items():
            data += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", calls, sums.size)
            data += (sums / counts * calls).astype("<f4").tobytes()
        older.write_bytes(data + struct.pack("<i", calls) + struct.pack("<i", 4) + b"text")
        for path, dataset in ((self.importance, str(self.text)), (older, "text")):
            self.quantize("--imatrix", path)
            same = [tensor.data.tobytes() == expected[name] for name, tensor in tensors(self.output).items()]
            self.assertGreaterEqual(sum(same), len(same) - 1)  # of the older file numbers may differ by a rounding
            fields = gguf.GGUFReader(self.output).fields
            self.assertEqual(fields["quantize.imatrix.file"].contents(), str(path))
            self.assertEqual(fields["quantize.imatrix.dataset"].contents(), dataset)
            self.assertEqual(int(fields["quantize.imatrix.entries_count"].contents()), len(found))
        older.write_bytes(data[:-7])
        self.assertIn("older.dat", self.quantize("--imatrix", older, status=1)[1])

    def test_importance_of_another_model_is_refused(self):
        other = self.place / "other.gguf"
        writer = gguf.GGUFWriter(str(other), "none")
        writer.add_tensor("blk.0.attn_q.weight.in_sum2", np.ones((1, 5), np.float32))
        writer.add_tensor("blk.0.attn_q.weight.counts", np.ones((1, 1), np.float32))
        writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
        errors = self.quantize("--imatrix", other, status=2)[1]
        self.assertIn("another model", errors)
        self.assertIn("blk.0.attn_q.weight", errors)
        self.assertIn("no importance", self.quantize("--imatrix", self.source, status=1)[1])
        self.assertIn("none.gguf", self.quantize("--imatrix", self.place / "none.gguf", status=1)[1])

    def test_a_short_text_is_refused_with_what_is_needed(self):
        short = self.place / "short.txt"
        short.write_text("the cat")
        count = len(json.loads(out("tokens", "-m", self.source, "the cat")))
        for words in (["quantize", "--type", "q4_0"], ["imatrix"]):
            errors = lathe(*words, "-m", self.source, "-o", self.output, "--calibration", short, "--ctx", 32, status=2)[1]
            self.assertIn(f"{count} tokens", errors)
            self.assertIn("32", errors)
        short.write_text("")
        self.assertIn("empty", self.quantize("--calibration", short, status=2)[1])
        self.assertIn("nothing.txt", self.quantize("--calibration", self.place / "nothing.txt", status=1)[1])
        self.assertIn("contexts of at most", self.quantize("--calibration", self.text, "--ctx", 100_000, status=2)[1])
        self.assertIn("calibration text", self.quantize("--gptq", status=2)[1])
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
