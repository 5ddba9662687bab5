"""lathe convert: every tiny folder as a GGUF file that reads back to the folder's logits, and what happens where it fails."""
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import unittest

import gguf
import numpy as np

import tiny_folder

PROGRAM = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
BOUND = 1e-5
SMALL = "llama3"


def convert(folder, output, *words, status=0, **options):
    done = subprocess.run([PROGRAM, "convert", folder, "-o", output, *words], capture_output=True, text=True, **options)
    if done.returncode != status:
        raise AssertionError(f"ended with {done.returncode} instead of {status}: {done.stderr}")
    return done.stderr


class Convert(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.output = self.place / "model.gguf"

    def check_logits(self, name, *words):
        """The largest difference between the folder's logits and those of its GGUF file."""
        folder = tiny_folder.HERE / name
        ids, _ = tiny_folder.expected(name)
        convert(folder, self.output, *words)
        self.assertEqual(os.listdir(self.place), ["model.gguf"])
        of_file = tiny_folder.logits(self.output, ids, [])
        difference = float(np.abs(of_file - tiny_folder.logits(folder, ids, list(words))).max())
        self.assertLessEqual(difference, BOUND, name)
        return difference

    def test_every_tiny_folder_reads_back(self):
        self.assertGreaterEqual(len(tiny_folder.NAMES), 14)
        for name in tiny_folder.NAMES:
            with self.subTest(name):
                print(f"{name}: {self.check_logits(name):.1e}")

    def test_weights_are_stored_as_asked_for(self):
        for weights, kinds in (("q8", {"Q8_0", "F32"}), ("q4", {"Q4_1", "Q8_0", "F32"}), ("bf16", {"BF16", "F32"}),
                               ("f32", {"F32"})):
            with self.subTest(weights):
                self.check_logits(SMALL, "--weights", weights)
                reader = gguf.GGUFReader(self.output)
                self.assertEqual({tensor.tensor_type.name for tensor in reader.tensors}, kinds)
                quantized = "general.quantization_version" in reader.fields
                self.assertEqual(quantized, weights.startswith("q"))

    def test_the_gguf_package_reads_keys_of_the_usual_types(self):
        convert(tiny_folder.HERE / SMALL, self.output)
        fields = gguf.GGUFReader(self.output).fields
        self.assertEqual(next(name for name in fields if not name.startswith("GGUF.")), "general.architecture")
        types = {name: field.types[0].name for name, field in fields.items()}
        self.assertEqual(types["general.architecture"], "STRING")
        for key in ("block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count"):
            self.assertEqual(types[f"llama.{key}"], "UINT32", key)
        for key in ("attention.layer_norm_rms_epsilon", "rope.freq_base"):
            self.assertEqual(types[f"llama.{key}"], "FLOAT32", key)
        self.assertEqual(bytes(fields["tokenizer.ggml.model"].parts[-1]), b"no_vocab")

    def test_the_same_folder_gives_the_same_bytes(self):
        convert(tiny_folder.HERE / SMALL, self.output)
        first = self.output.read_bytes()
        convert(tiny_folder.HERE / SMALL, self.output, "-t", "1")
        self.assertEqual(self.output.read_bytes(), first)

    def test_a_window_that_other_readers_overlook_is_warned_of(self):
        self.assertIn("sliding window", convert(tiny_folder.HERE / "mistral", self.output))
        self.assertEqual(convert(tiny_folder.HERE / SMALL, self.output), "")

    def test_without_a_tokenizer_the_file_takes_ids_alone(self):
        convert(tiny_folder.HERE / SMALL, self.output)
        done = subprocess.run([PROGRAM, "run", "-m", self.output, "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no tokenizer", done.stderr)

    def test_a_failure_leaves_what_was_there(self):
        self.output.write_text("before")
        broken = self.place / "broken"
        config = tiny_folder.config(SMALL)
        config["num_hidden_layers"] += 1
        tiny_folder.write(broken, SMALL, config)
        for folder, word in ((broken, "blk."), (self.place / "none", "none"), (self.output, "no folder")):
            self.assertIn(word, convert(folder, self.output, status=1))
            self.assertEqual(self.output.read_text(), "before")
        self.assertIn("--weights", convert(tiny_folder.HERE / SMALL, self.output, "--weights", "q3", status=2))
        self.assertEqual(sorted(os.listdir(self.place)), ["broken", "model.gguf"])

    def test_a_full_disk_is_an_error_and_leaves_nothing(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        message = convert(tiny_folder.HERE / SMALL, self.output, status=1, preexec_fn=small_files)
        self.assertIn(str(self.output), message)
        self.assertEqual(os.listdir(self.place), [])
        convert(tiny_folder.HERE / SMALL, "/dev/full", status=1)

    def test_a_folder_that_cannot_be_written_to(self):
        self.assertIn("/no/such/folder", convert(tiny_folder.HERE / SMALL, "/no/such/folder/x.gguf", status=1))

    def test_nothing_is_written_for_a_tensor_with_nan(self):
        folder = self.place / "nan"
        tiny_folder.write(folder, SMALL, tiny_folder.config(SMALL))
        data = bytearray((folder / "model.safetensors").read_bytes())
        data[-4:] = np.float32(np.nan).tobytes()
        (folder / "model.safetensors").write_bytes(data)
        convert(folder, self.output, status=1)
        self.assertFalse(self.output.exists())
        convert(folder, self.output, "--no-check-weights")


if __name__ == "__main__":
    unittest.main()
