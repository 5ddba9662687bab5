"""A decoder as an ONNX network: SmolLM2's GGUF file exported by tools/export_onnx.py runs in the engine like the file
itself. In float32 every golden prompt has its ids and its 32 greedy tokens, which golden/golden_test.cc asks of the file."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import export_onnx
import golden_file
import onnx

PROGRAM = str(pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe")


def lathe(*words, check=True):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=check, timeout=300)


def models_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("LATHE_MODEL_DIR") or pathlib.Path(cache) / "lathe" / "models")


class OnnxDecoder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        export_onnx.Decoder(str(models_directory() / "SmolLM2-135M-Instruct.Q4_1.gguf")).export(cls.folder)
        cls.network = cls.folder / "model.onnx"
        cls.prompts = golden_file.read(ROOT / "tests" / "golden" / "smollm2.golden").prompts

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def expect_golden(self, model, prompt, *words):
        special = ["--special"] if prompt.parse_special else []
        answer = json.loads(lathe("run", "--json", "-m", model, "--raw", *special, prompt.text, "-n", len(prompt.greedy),
                                  "--ignore-eos", *words).stdout)
        self.assertEqual(answer["prompt_ids"], prompt.ids.tolist(), prompt.name)
        self.assertEqual(answer["ids"], prompt.greedy.tolist(), prompt.name)

    def test_answers_golden_prompts_as_the_gguf_file_does(self):
        for prompt in self.prompts[:2]:
            self.expect_golden(self.network, prompt, "--math", "f32")

    def test_a_plan_of_it_answers_all_of_them(self):
        with tempfile.TemporaryDirectory() as folder:
            plan = pathlib.Path(folder) / "decoder.plan"
            lathe("build", "-m", self.network, "-o", plan, "--math", "f32", "--opt-level", 0)
            for prompt in self.prompts:
                self.expect_golden(plan, prompt)

    def test_matrices_of_codes_keep_their_blocks(self):
        tensors = lathe("inspect", "-m", self.network, "--tensors").stdout.splitlines()
        codes = [line for line in tensors if ".codes" in line]
        self.assertEqual(len(codes), 30 * 7 + 1)
        self.assertEqual([line for line in codes if "q4_1" not in line and "q8_0" not in line], [])

    def test_the_chat_template_is_the_folder_s(self):
        answer = lathe("run", "-m", self.network, "What color is the sky?", "-n", 24).stdout
        self.assertIn("blue", answer.lower())

    def test_what_is_not_known_is_listed(self):
        model = onnx.load(self.network, load_external_data=False)
        for node in model.graph.node:
            if node.name == "blk.3.ffn_gated":
                node.op_type = "Max"
            if node.name == "blk.5.attn":
                node.attribute[0].i = 0  # is_causal
        other = self.folder / "other.onnx"
        onnx.save(model, other)
        refused = lathe("run", "-m", other, "Hello", check=False)
        other.unlink()
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("lathe exec runs it", refused.stderr)
        self.assertIn("Max blk.3.ffn_gated", refused.stderr)


if __name__ == "__main__":
    unittest.main()
