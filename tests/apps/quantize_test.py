"""lathe quantize: every type as the gguf package reads it, the mixes, choices by name, and what is refused."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import gguf
import numpy as np
from gguf.quants import dequantize

import random_gguf
from program import PROGRAM, lathe, out

HERE = pathlib.Path(__file__).resolve().parent
TINY = HERE.parent / "tiny" / "llama3"
TYPES = ("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_s", "q5_1", "q5_0", "q4_k_s", "q4_1", "q4_0", "iq4_nl", "iq4_xs",
         "mxfp4", "q3_k_s", "q2_k")
# The least SQNR in dB that each type reaches on random weights.
LEAST_SQNR = {"F16": 70, "BF16": 50, "Q8_0": 42, "Q6_K": 34, "Q5_K": 28, "Q5_1": 27, "Q5_0": 26, "Q4_K": 21, "Q4_1": 21,
              "Q4_0": 19.5, "IQ4_NL": 20, "IQ4_XS": 20, "MXFP4": 17, "Q3_K": 14, "Q2_K": 9}


def read(path):
    reader = gguf.GGUFReader(path)
    return reader, {tensor.name: tensor for tensor in reader.tensors}


def types(path):
    return {name: tensor.tensor_type.name for name, tensor in read(path)[1].items()}


def number(reader, key):
    return int(reader.fields[key].contents())


class Quantize(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.shared.cleanup)
        cls.source = pathlib.Path(cls.shared.name) / "source.gguf"
        cls.weights = random_gguf.tensors()
        random_gguf.write(cls.source, cls.weights)
        cls.small = pathlib.Path(cls.shared.name) / "small.gguf"
        cls.small_weights = random_gguf.tensors(layers=1)
        random_gguf.write(cls.small, cls.small_weights, layers=1)

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.output = self.place / "model.gguf"

    def quantize(self, source, type_name, *words, **options):
        return lathe("quantize", "-m", source, "-o", self.output, "--type", type_name, *words, **options)

    def test_every_type_is_what_the_gguf_package_reads(self):
        for type_name in TYPES:
            with self.subTest(type_name):
                report = json.loads(self.quantize(self.small, type_name, "--json")[0])
                reader, tensors = read(self.output)
                self.assertEqual(list(tensors), list(self.small_weights))
                self.assertEqual(report["bytes"], self.output.stat().st_size)
                self.assertEqual("general.quantization_version" in reader.fields, not type_name.endswith(("f32", "f16")))
                for row in report["tensors"]:
                    name, tensor, expected = row["name"], tensors[row["name"]], self.small_weights[row["name"]]
                    kind = tensor.tensor_type.name
                    self.assertEqual(row["to"], kind.lower())
                    values = dequantize(tensor.data, tensor.tensor_type).reshape(expected.shape)
                    if "norm" in name or type_name == "f32":
                        self.assertEqual(kind, "F32")
                        np.testing.assert_array_equal(values, expected)
                        self.assertIsNone(row["sqnr"])
                        continue
                    error = np.square(values.astype(np.float64) - expected).sum()
                    sqnr = 10 * np.log10(np.square(expected.astype(np.float64)).sum() / error)
                    self.assertGreater(sqnr, LEAST_SQNR[kind], name)
                    self.assertAlmostEqual(sqnr, row["sqnr"], 3)

    def test_mixes_give_some_layers_finer_types(self):
        cases = {
            "q4_k_m": (15, {"attn_q": {"Q4_K"}, "attn_v": {"Q4_K", "Q6_K"}, "ffn_down": {"Q4_K", "Q6_K"}}, "Q6_K"),
            "q4_k_s": (14, {"attn_v": {"Q4_K", "Q5_K"}, "ffn_down": {"Q4_K", "Q5_K"}, "attn_output": {"Q4_K"}}, "Q6_K"),
            "q3_k_m": (12, {"attn_v": {"Q5_K", "Q4_K"}, "ffn_down": {"Q4_K"}, "attn_output": {"Q4_K"}}, "Q6_K"),
            "q3_k_l": (13, {"attn_v": {"Q5_K"}, "ffn_down": {"Q5_K"}, "attn_output": {"Q5_K"}}, "Q6_K"),
            "q2_k": (10, {"attn_v": {"Q3_K"}, "ffn_down": {"Q3_K"}, "ffn_up": {"Q2_K"}}, "Q6_K"),
            "q5_k_m": (17, {"attn_v": {"Q5_K", "Q6_K"}, "ffn_gate": {"Q5_K"}}, "Q6_K"),
            "q4_0": (2, {"attn_v": {"Q4_0"}, "ffn_down": {"Q4_0"}}, "Q6_K"),
            "iq4_xs": (30, {"attn_v": {"IQ4_XS"}, "ffn_down": {"IQ4_XS", "Q5_K"}}, "Q6_K"),
            "mxfp4": (38, {"attn_v": {"MXFP4"}}, "Q8_0"),
            "mxfp4_moe": (38, {"attn_v": {"Q8_0"}}, "Q8_0"),
        }
        for name, (file_type, expected, head) in cases.items():
            with self.subTest(name):
                self.quantize(self.source, name.upper())
                found = types(self.output)
                self.assertEqual(number(read(self.output)[0], "general.file_type"), file_type)
                self.assertEqual(found["output.weight"], head)
                for part, kinds in expected.items():
                    self.assertEqual({kind for tensor, kind in found.items() if part + "." in tensor}, kinds, part)
        self.quantize(self.source, "q4_k_m")
        fine = [layer for layer in range(8) if types(self.output)[f"blk.{layer}.attn_v.weight"] == "Q6_K"]
        self.assertEqual(fine, [0, 3, 6, 7])

    def test_the_embedding_of_a_tied_model_is_a_head(self):
        tied = self.place / "tied.gguf"
        random_gguf.write(tied, {name: values for name, values in self.weights.items() if name != "output.weight"})
        self.quantize(tied, "q4_k_s")
        self.assertEqual(types(self.output)["token_embd.weight"], "Q6_K")
        self.quantize(self.source, "q4_k_s")
        self.assertEqual(types(self.output)["token_embd.weight"], "Q4_K")

    def test_what_a_row_has_no_place_for_falls_back_and_is_said(self):
        narrow = self.place / "narrow.gguf"
        random_gguf.write(narrow, random_gguf.tensors(width=96, ffn=256, layers=2), width=96, ffn=256, layers=2, heads=4)
        for type_name, instead in (("q2_k", "Q4_0"), ("q3_k_s", "Q4_0"), ("q4_k_s", "Q5_0"), ("q5_k_s", "Q5_1"),
                                   ("q6_k", "Q8_0"), ("iq4_xs", "IQ4_NL")):
            with self.subTest(type_name):
                errors = self.quantize(narrow, type_name)[1]
                self.assertIn("rows do not fit", errors)
                self.assertEqual(types(self.output)["blk.1.ffn_up.weight"], instead)
                self.assertEqual(types(self.output)["output.weight"], "Q8_0")
                self.assertNotIn(instead, types(self.output)["blk.1.ffn_down.weight"])
        odd = self.place / "odd.gguf"
        random_gguf.write(odd, random_gguf.tensors(width=40, ffn=256, layers=1), width=40, ffn=256, layers=1, heads=2)
        self.assertIn("rows do not fit q8_0", self.quantize(odd, "q8_0")[1])
        self.assertEqual(types(self.output)["blk.0.ffn_up.weight"], "F16")

    def test_choices_by_name(self):
        self.quantize(self.source, "q8_0", "--type-for", r"blk\.[0-3]\.attn_q=q4_0", "--type-for", "attn_q=F16",
                      "--type-for", "output.weight=q6_k")
        found = types(self.output)
        self.assertEqual([found[f"blk.{i}.attn_q.weight"] for i in (0, 3, 4, 7)], ["Q4_0", "Q4_0", "F16", "F16"])
        self.assertEqual((found["output.weight"], found["blk.0.attn_k.weight"]), ("Q6_K", "Q8_0"))
        for choice, word in (("attn_(=q8_0", "attn_("), ("nothing_like_it=q8_0", "nothing_like_it"), ("attn_q=q9", "q9"),
                             ("attn_norm=q8_0", "attn_norm"), ("attn_q", "REGEX=TYPE"), ("attn_q=a8", "a8")):
            with self.subTest(choice):
                self.assertIn(word, self.quantize(self.source, "q8_0", "--type-for", choice, status=2)[1])
        self.assertIn("q4_k_m", self.quantize(self.source, "q4_k_x", status=2)[1])

    def test_a_folder_gives_what_its_gguf_file_gives(self):
        converted = self.place / "converted.gguf"
        lathe("convert", TINY, "-o", converted)
        for type_name in ("q8_0", "bf16", "q4_k_m"):
            self.quantize(TINY, type_name)
            of_folder = self.output.read_bytes()
            self.quantize(converted, type_name)
            self.assertEqual(self.output.read_bytes(), of_folder, type_name)

    def test_metadata_comes_along_and_threads_change_nothing(self):
        keyed = self.place / "keyed.gguf"

        def edit(writer):
            writer.add_string("general.name", "N\u00fc")
            writer.add_array("a.list", [1, 2, 3])
            writer.add_string("quantize.imatrix.file", "of another file")

        random_gguf.write(keyed, self.weights, edit=edit)
        self.quantize(keyed, "q4_k_m", "-t", 1)
        first = self.output.read_bytes()
        self.quantize(keyed, "q4_k_m", "-t", 3)
        self.assertEqual(self.output.read_bytes(), first)
        reader, _ = read(self.output)
        self.assertEqual(reader.fields["general.name"].contents(), "N\u00fc")
        self.assertEqual(reader.fields["a.list"].contents(), [1, 2, 3])
        self.assertEqual(number(reader, "general.quantization_version"), 2)
        self.assertNotIn("quantize.imatrix.file", reader.fields)
        self.assertNotIn("quantized before", self.quantize(self.source, "q8_0")[1])

    def test_a_quantized_model_is_rounded_anew_with_a_warning(self):
        self.quantize(self.small, "q8_0")
        quantized = shutil.move(self.output, self.place / "q8.gguf")
        self.assertIn("stays lost", self.quantize(quantized, "q4_0")[1])
        self.assertNotIn("stays lost", self.quantize(quantized, "q8_0")[1])
        before, after = read(quantized)[1], read(self.output)[1]
        for name, tensor in before.items():
            np.testing.assert_array_equal(tensor.data, after[name].data)

    def test_weights_that_are_no_numbers_are_named(self):
        for value, word in ((np.nan, "NaN"), (-np.inf, "infinite")):
            weights = dict(self.weights)
            weights["blk.5.ffn_up.weight"] = weights["blk.5.ffn_up.weight"].copy()
            weights["blk.5.ffn_up.weight"][7, 11] = value
            broken = self.place / "broken.gguf"
            random_gguf.write(broken, weights)
            self.assertIn("blk.5.ffn_up.weight", self.quantize(broken, "q4_0", status=1)[1])
            errors = self.quantize(broken, "q4_0", "--no-check-weights", status=1)[1]
            for part in (word, "blk.5.ffn_up.weight", "row 7", "column 11"):
                self.assertIn(part, errors)
            self.assertFalse(self.output.exists())
        weights["blk.5.ffn_up.weight"][7, 11] = 1e6
        random_gguf.write(broken, weights)
        self.assertIn("more than f16 can hold", self.quantize(broken, "f16", status=1)[1])
        self.quantize(broken, "bf16")

    def test_a_full_disk_leaves_the_old_file(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        self.output.write_text("before")
        done = subprocess.run([PROGRAM, "quantize", "-m", self.source, "-o", self.output, "--type", "q8_0"],
                              capture_output=True, text=True, preexec_fn=small_files)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.output), done.stderr)
        self.assertEqual(self.output.read_text(), "before")
        self.assertEqual(os.listdir(self.place), ["model.gguf"])

    def test_the_model_itself_is_no_output(self):
        copy = pathlib.Path(shutil.copy(self.source, self.output))
        link = self.place / "link.gguf"
        link.symlink_to(copy)
        for output in (copy, link):
            errors = lathe("quantize", "-m", copy, "-o", output, "--type", "q8_0", status=2)[1]
            self.assertIn("is the model that is read", errors)
        folder = pathlib.Path(shutil.copytree(TINY, self.place / "folder"))
        errors = lathe("quantize", "-m", folder, "-o", folder / "model.safetensors", "--type", "q8_0", status=2)[1]
        self.assertIn("is the model that is read", errors)
        self.assertEqual(copy.read_bytes(), self.source.read_bytes())

    def test_memory_is_that_of_a_few_rows(self):
        wide = self.place / "wide.gguf"
        generator = np.random.default_rng(1)
        weights = dict(self.weights)
        weights["token_embd.weight"] = generator.standard_normal((1 << 16, 256), np.float32)
        weights["output.weight"] = generator.standard_normal((1 << 16, 256), np.float32)
        random_gguf.write(wide, weights)
        memory = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True); " \
                 "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"

        def peak(model):
            words = [sys.executable, "-c", memory, PROGRAM, "quantize", "-m", model, "-o", self.output, "--type", "f16"]
            return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

        # 128 MiB more of weights are mapped; of rows there are as many as before.
        self.assertLess(peak(wide) - peak(self.source), (128 + 70) << 10)

    def test_our_engine_computes_with_every_type(self):
        ids = ",".join(str(i % random_gguf.VOCABULARY) for i in range(1, 40, 3))

        def logits(model):
            path = self.place / "logits.npy"
            lathe("logits", "-m", model, "--ids", ids, "-o", path, "--math", "f32")
            return np.load(path)

        reference = logits(self.small)
        for type_name in ("q8_0", "q6_k", "q4_k_m", "mxfp4", "q2_k"):
            self.quantize(self.small, type_name)
            found = logits(self.output)
            cosine = (found * reference).sum() / np.sqrt(np.square(found).sum() * np.square(reference).sum())
            self.assertGreater(cosine, 0.5 if type_name == "q2_k" else 0.8, type_name)
        self.assertIn("q4_k_m", out("quantize", "--help"))


if __name__ == "__main__":
    unittest.main()
