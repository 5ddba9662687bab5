"""lathe inspect: a model, its passes and its plan."""
import html.parser
import json
import os
import re
import tempfile
import unittest

from program import lathe, out


class Page(html.parser.HTMLParser):
    """Holds every end tag to the start tag that is open, and keeps attributes and texts."""
    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.texts, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:], self.getpos())
        self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)


class Html(unittest.TestCase):
    def page(self, *words):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.html")
            self.assertEqual(out("inspect", *words, "--html", path), "")
            with open(path, encoding="utf-8") as file:
                return file.read()

    def test_is_one_whole_page_that_needs_nothing_else(self):
        text = self.page("--ctx", 256)
        page = Page(text)
        for name, value in page.attributes:
            self.assertNotIn(name, ("src", "srcset", "data", "xlink:href"))
            if name == "href":
                self.assertTrue(value.startswith("#"), value)
        self.assertIsNone(re.search(r"https?:|//[a-z]|url\(|@import", text))
        self.assertNotIn("link", page.tags)
        words = " ".join(page.texts)
        for part in ("blk.0", "× 2", "pp255", "tg32", "GB/s", "of the limit", "quantized_linear", "fold_constants",
                     "these bring it within the limit"):
            self.assertIn(part, words)
        self.assertGreater(sum(name == "class" and value.startswith("tensor") for name, value in page.attributes), 100)

    def test_of_an_encoder(self):
        words = " ".join(Page(self.page("minilm")).texts)
        self.assertIn("emb20", words)
        self.assertIn("LpNormalization", words)

    def test_a_place_that_cannot_be_written(self):
        _, errors = lathe("inspect", "--ctx", 64, "--html", "/nowhere/page.html", status=1)
        self.assertIn("/nowhere/page.html", errors)


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
        self.assertGreater(len(report["Layers"]), 30)
        self.assertGreaterEqual(report["memory"]["arena_bytes"], report["memory"]["arena_lower_bound"])
        self.assertGreater(report["memory"]["cache_bytes"], 0)
        self.assertEqual(len(report["activations"]), 30 * 4 + 1)
        finer = [entry for entry in report["activations"] if entry["fine_columns"]]
        self.assertGreater(len(finer), 30)
        for entry in finer:
            self.assertLess(entry["error_after"], entry["error_before"])
            self.assertTrue(entry["reason"])

    def test_json_has_the_inspectors_names(self):
        report = json.loads(out("inspect", "--json", "--ctx", 512))
        for layer in report["Layers"]:
            self.assertLessEqual({"Name", "LayerType", "Inputs", "Outputs", "TacticName", "StreamId", "Metadata"},
                                 set(layer))
            self.assertTrue(layer["TacticName"])
            for tensor in layer["Inputs"] + layer["Outputs"]:
                self.assertTrue(tensor["Name"])
                self.assertTrue(tensor["Format/Datatype"])
                self.assertEqual(len(tensor["Dimensions"]), len(tensor["Symbols"]))
                self.assertTrue(all(dim == -1 or str(dim) == name
                                    for dim, name in zip(tensor["Dimensions"], tensor["Symbols"])))
            self.assertEqual(len(layer["Choices"]), len(report["profiles"]))
        tensors = report["I/O Tensors"]
        self.assertEqual([tensor["Name"] for tensor in tensors], report["Bindings"])
        modes = {tensor["Name"]: tensor["IOMode"] for tensor in tensors}
        self.assertEqual((modes["ids"], modes["cache"], modes["logits"]), ("input", "state", "output"))
        for tensor in tensors:
            self.assertLessEqual({"DataType", "Dimensions", "Location", "IsShapeInferenceIO"}, set(tensor))
            self.assertEqual(len(tensor["ProfileInfo"]), len(report["profiles"]))
            for info in tensor["ProfileInfo"]:
                for least, best, most in zip(info["Min"], info["Opt"], info["MaxShape"]):
                    self.assertTrue(least <= best <= most)

    def test_json_of_memory_adds_up(self):
        report = json.loads(out("inspect", "--json", "--ctx", 512))
        for profile in report["profiles"]:
            self.assertGreaterEqual(profile["arena_bytes"], profile["arena_lower_bound"])
            self.assertGreaterEqual(profile["tensor_bytes"], profile["arena_bytes"])
            for one in profile["placements"]:
                self.assertLessEqual(one["offset"] + one["bytes"], profile["arena_bytes"])
            # Nothing that is alive together overlaps, but for what takes an input's place.
            alive = [one for one in profile["placements"] if not one["in_place"]]
            for i, one in enumerate(alive):
                for other in alive[i + 1:]:
                    together = one["first_step"] < other["last_step"] and other["first_step"] < one["last_step"]
                    apart = one["offset"] + one["bytes"] <= other["offset"] or \
                        other["offset"] + other["bytes"] <= one["offset"]
                    self.assertTrue(apart or not together, (one, other))
        self.assertEqual({weight["stored"] for weight in report["weights"]}, {"f32", "f64", "q4_1", "q8_0"})
        self.assertEqual(sum(weight["bytes"] for weight in report["weights"]),
                         report["memory"]["weight_bytes_mapped"] + report["memory"]["weight_bytes_copied"])

    def test_every_node_went_somewhere(self):
        report = json.loads(out("inspect", "--json", "--ctx", 512))
        products = [source for layer in report["Layers"] for source in layer["Sources"] if "attn_q" in source]
        self.assertEqual(sum(name == "blk.7.attn_q" for name in products), 1)

    def test_detail(self):
        names = json.loads(out("inspect", "--json", "--detail", "names", "--ctx", 512))["Layers"]
        self.assertTrue(all(isinstance(name, str) for name in names))
        layers = json.loads(out("inspect", "--json", "--detail", "layers", "--ctx", 512))["Layers"]
        self.assertEqual([layer["Name"] for layer in layers], names)
        self.assertNotIn("Choices", layers[0])
        few, all_steps = (out("inspect", "--plan", "--detail", detail, "--ctx", 512) for detail in ("layers", "full"))
        self.assertLess(len(few.splitlines()), len(all_steps.splitlines()) / 3)
        self.assertIn("blk.*.", few)
        self.assertIn("blk.29.", all_steps)
        self.assertEqual(out("inspect", "--plan", "--detail", "names", "--ctx", 512).splitlines(), names)

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
