"""lathe inspect: a model, its passes and its plan."""
import json
import unittest

from program import lathe, out


class Inspect(unittest.TestCase):
    def test_shows_the_model(self):
        table = out("inspect")
        for part in ("llama", "134.5 million", "49152", "8192", "q4_1"):
            self.assertIn(part, table)
        self.assertEqual(out("inspect", "smollm2"), table)
        self.assertIn("gemma3", out("inspect", "gemma3-270m"))

    def test_json_has_everything(self):
        report = json.loads(out("inspect", "--json", "--ctx", 512))
        self.assertEqual(report["architecture"], "llama")
        self.assertEqual(len(report["tensors"]), 272)
        self.assertEqual(sum(tensor["bytes"] for tensor in report["tensors"]), report["tensor_bytes"])
        self.assertEqual(report["metadata"]["llama.block_count"], "30")
        self.assertGreater(len(report["steps"]), 30)
        self.assertGreaterEqual(report["memory"]["arena_bytes"], report["memory"]["arena_lower_bound"])
        self.assertGreater(report["memory"]["cache_bytes"], 0)
        self.assertTrue(all(step["kernel"] for step in report["steps"]))

    def test_graph_before_and_behind_the_passes(self):
        before, behind = out("inspect", "--graph", "--before"), out("inspect", "--graph", "--ctx", 512)
        self.assertIn("Linear", before)
        self.assertNotIn("QuantizedLinear", before)
        self.assertIn("QuantizedLinear", behind)

    def test_a_pass_that_is_left_out_is_off(self):
        names = [line.split()[0] for line in out("inspect", "--passes", "--ctx", 512).splitlines()[1:]]
        table = out("inspect", "--passes", "--ctx", 512, "--disable-pass", names[-1]).splitlines()
        self.assertEqual([line.split()[1] for line in table if line.split()[0] == names[-1]], ["off"])

    def test_plan_names_kernels(self):
        self.assertIn("quantized_linear", out("inspect", "--plan", "--ctx", 512))

    def test_graph_and_plan_together(self):
        graph, both = out("inspect", "--graph", "--ctx", 512), out("inspect", "--graph", "--plan", "--ctx", 512)
        self.assertTrue(both.startswith(graph))
        self.assertIn("quantized_linear", both[len(graph):])

    def test_json_has_no_place_for_the_graph(self):
        _, errors = lathe("inspect", "--graph", "--json", status=2)
        self.assertIn("--graph", errors)

    def test_before_needs_graph(self):
        lathe("inspect", "--before", status=2)


if __name__ == "__main__":
    unittest.main()
