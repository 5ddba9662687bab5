"""lathe quantize --awq and --smooth on tiny checkpoints: with scales in norms and matrices the model computes what it did."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import gguf
import numpy as np
from gguf.quants import dequantize

import tiny_folder

PROGRAM = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
MATRICES = re.compile(r"blk\.\d+\.(attn|ffn)_(?!gate_inp|.*norm).*\.weight")
NO_NORM_BEFORE_PRODUCTS = {"olmo2"}


def run(*words, status=0):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    if done.returncode != status:
        raise AssertionError(done.stderr)
    return done.stderr


def tensors(path):
    return {tensor.name: dequantize(tensor.data, tensor.tensor_type).reshape([int(n) for n in reversed(tensor.shape)])
            for tensor in gguf.GGUFReader(path).tensors}


def write_importance(path, weights):
    """A few columns of every matrix have inputs ten times as large; experts share theirs."""
    writer = gguf.GGUFWriter(str(path), "none")
    for name, values in weights.items():
        if not MATRICES.fullmatch(name):
            continue
        experts, columns = (values.shape[0] if values.ndim > 2 else 1), values.shape[-1]
        squares = np.ones((experts, columns), np.float32)
        squares[:, ::7] = 100
        writer.add_tensor(name + ".in_sum2", squares)
        writer.add_tensor(name + ".counts", np.ones((experts, 1), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits_in_8_bits(model, ids, path):
    """One scale for each row of activations."""
    run("logits", "-m", model, "--ids", ",".join(map(str, ids)), "-o", path, "--weights", "q8", "--activations", "row")
    return np.load(path)


class Scales(unittest.TestCase):
    def test_every_architecture_computes_what_it_did(self):
        for name in tiny_folder.NAMES:
            with self.subTest(name), tempfile.TemporaryDirectory() as place:
                place = pathlib.Path(place)
                folder = tiny_folder.HERE / name
                ids, _ = tiny_folder.expected(name)
                run("convert", folder, "-o", place / "source.gguf")
                weights = tensors(place / "source.gguf")
                write_importance(place / "importance.gguf", weights)
                words = ["quantize", "-m", folder, "--type", "q8_0", "--imatrix", place / "importance.gguf"]
                run(*words, "-o", place / "plain.gguf")
                run(*words, "-o", place / "scaled.gguf", "--awq")
                reference = tiny_folder.logits(folder, ids, [])
                plain = np.abs(tiny_folder.logits(place / "plain.gguf", ids, []) - reference).mean()
                scaled = np.abs(tiny_folder.logits(place / "scaled.gguf", ids, []) - reference).mean()
                self.assertLess(scaled, 2 * plain)  # a matrix without its norm, or the other way round, is far off
                found = tensors(place / "scaled.gguf")
                norms = [norm for norm in weights if "norm" in norm and not np.array_equal(found[norm], weights[norm])]
                self.assertEqual(bool(norms), name not in NO_NORM_BEFORE_PRODUCTS, norms)

    def test_smoothing_changes_nothing_but_the_sizes_of_inputs(self):
        for name in tiny_folder.NAMES:
            with self.subTest(name), tempfile.TemporaryDirectory() as place:
                place = pathlib.Path(place)
                folder = tiny_folder.HERE / name
                ids, _ = tiny_folder.expected(name)
                run("convert", folder, "-o", place / "source.gguf")
                weights = tensors(place / "source.gguf")
                write_importance(place / "importance.gguf", weights)
                run("quantize", "-m", folder, "--type", "f32", "--imatrix", place / "importance.gguf", "-o", place / "smooth.gguf",
                    "--smooth", 0.5)
                reference = tiny_folder.logits(folder, ids, [])
                np.testing.assert_allclose(tiny_folder.logits(place / "smooth.gguf", ids, []), reference, rtol=0,
                                           atol=2e-4 * np.abs(reference).max())
                found = tensors(place / "smooth.gguf")
                changed = [tensor for tensor in weights if not np.array_equal(found[tensor], weights[tensor])]
                self.assertEqual(bool(changed), name not in NO_NORM_BEFORE_PRODUCTS, changed)

    def test_smoothing_moves_outliers_that_8_bit_rows_cannot_hold(self):
        factor = 10  # as write_importance() has it
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            ids, _ = tiny_folder.expected("llama3")
            run("convert", tiny_folder.HERE / "llama3", "-o", place / "source.gguf")
            weights = tensors(place / "source.gguf")
            write_importance(place / "importance.gguf", weights)
            # The same model, with a few columns of every product's inputs ten times as large: a norm's made so, and the
            # weights behind it smaller.
            outliers = place / "outliers.gguf"
            shutil.copy(place / "source.gguf", outliers)
            for tensor in gguf.GGUFReader(outliers, "r+").tensors:
                if re.fullmatch(r"blk\.\d+\.(attn|ffn)_norm\.weight", tensor.name):
                    tensor.data[::7] *= factor
                elif re.fullmatch(r"blk\.\d+\.(attn_[qkv]|ffn_(gate|up))\.weight", tensor.name):
                    tensor.data[:, ::7] /= factor
            run("quantize", "-m", outliers, "--type", "f32", "--imatrix", place / "importance.gguf", "-o", place / "smooth.gguf",
                "--smooth", 0.5)
            exact = tiny_folder.logits(tiny_folder.HERE / "llama3", ids, [])

            def error(model):
                found = logits_in_8_bits(model, ids, place / "logits.npy")
                return np.square(found - exact).mean()

            self.assertLess(error(place / "smooth.gguf"), error(outliers) / 3)

    def test_scales_need_importance(self):
        words = ["quantize", "-m", tiny_folder.HERE / "llama3", "-o", os.devnull, "--type", "q8_0"]
        for scales in (["--awq"], ["--smooth", 0.5]):
            self.assertIn("calibration text or a file of importance", run(*words, *scales, status=2))
        self.assertIn("both choose the scales", run(*words, "--awq", "--smooth", 0.5, status=2))
        for alpha in (0, -1, 1.5, "nan"):
            self.assertIn("--smooth", run(*words, "--smooth", alpha, status=2))


if __name__ == "__main__":
    unittest.main()
