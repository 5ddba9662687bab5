"""lathe exec: graphs and models on tensors, with trtexec's report and exports."""
import json
import os
import pathlib
import re
import tempfile
import unittest

import numpy
import onnx

from program import lathe, out

# y = swish(x W^T) with a norm before, and the greatest column of each row.
GRAPH = """graph mlp {
  %x: f32[N, 8] = input
  %scale: f32[8] = constant
  %w: f32[6, 8] = constant "proj.weight"
  %n: f32[N, 8] = RMSNormalization(%x, %scale) {epsilon = 1e-05}
  %p: f32[N, 6] = Linear(%n, %w)
  %y: f32[N, 6] = Swish(%p)
  %best: i32[N] = ArgMax(%y)
  return y = %y, best = %best
}
"""
QUICK = ("--warm-up", 1, "--duration", 0.01)
TIME = r"([0-9.e+-]+)"


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def save(self, name, array):
        path = self.folder / (name + ".npy")
        numpy.save(path, array)
        return path

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name


class Graphs(Folder):
    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(7)
        self.x = random.standard_normal((5, 8)).astype(numpy.float32)
        self.w = random.standard_normal((6, 8)).astype(numpy.float32)
        self.scale = random.standard_normal(8).astype(numpy.float32)
        (self.folder / "constants").mkdir()
        numpy.save(self.folder / "constants" / "scale.npy", self.scale)
        numpy.save(self.folder / "constants" / "proj.weight.npy", self.w)
        self.graph = self.write("mlp.graph", GRAPH)
        self.words = ["exec", self.graph, "--constants", self.folder / "constants", *QUICK]

    def expected(self):
        x = self.x.astype(numpy.float64)
        n = x / numpy.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-5) * self.scale
        p = n @ self.w.T.astype(numpy.float64)
        return p / (1 + numpy.exp(-p))

    def check(self, folder):
        y, best = numpy.load(folder / "y.npy"), numpy.load(folder / "best.npy")
        self.assertEqual((y.dtype, best.dtype), (numpy.float32, numpy.int32))
        numpy.testing.assert_allclose(y, self.expected(), rtol=1e-5, atol=1e-6)
        numpy.testing.assert_array_equal(best, y.argmax(axis=1))

    def test_computes_what_the_graph_says(self):
        x = self.save("x", self.x)
        lathe(*self.words, "--input", f"x={x}", "--output", self.folder / "out")
        self.check(self.folder / "out")
        # Columns first, big-endian, and the constants one by one.
        x = self.save("x2", numpy.asfortranarray(self.x.astype(">f4")))
        lathe("exec", self.graph, "--constant", f"scale={self.folder}/constants/scale.npy", "--constant",
              f"proj.weight={self.folder}/constants/proj.weight.npy", "--load-inputs", f"x:{x}", *QUICK,
              "--output", self.folder / "out2")
        self.check(self.folder / "out2")

    def test_reads_bare_elements(self):
        path = self.folder / "x.bin"
        path.write_bytes(self.x.tobytes())
        lathe(*self.words, "--shapes", "N=5", "--loadInputs", f"x:{path}", "--output", self.folder / "out")
        self.check(self.folder / "out")
        _, errors = lathe(*self.words, "--input", f"x={path}", status=2)
        self.assertIn("size of N must be given", errors)
        _, errors = lathe(*self.words, "--input", f"x={path}", "--shapes", "N=6", status=1)
        self.assertIn("160 bytes, x 192", errors)

    def test_some_outputs_alone(self):
        lathe(*self.words, "--shapes", "N=3", "--outputs", "best", "--output", self.folder / "out")
        self.assertEqual(os.listdir(self.folder / "out"), ["best.npy"])
        _, errors = lathe(*self.words, "--outputs", "worst", status=2)
        self.assertIn("no output named worst", errors)

    def test_inputs_are_made_up_the_same_way_each_time(self):
        _, errors = lathe(*self.words, "--shapes", "N=4", "--export-output", self.folder / "1.json")
        self.assertIn("made up: x (random, -1 to 1)", errors)
        lathe(*self.words, "--shapes", "N=4", "--export-output", self.folder / "2.json")
        lathe(*self.words, "--shapes", "N=4", "--seed", 2, "--export-output", self.folder / "3.json")
        one, two, three = ((self.folder / f"{i}.json").read_text() for i in (1, 2, 3))
        self.assertEqual(one, two)
        self.assertNotEqual(one, three)
        outputs = json.loads(one)
        self.assertEqual([(o["name"], o["dimensions"], len(o["values"])) for o in outputs],
                         [("y", "4x6", 24), ("best", "4", 4)])

    def test_refuses_inputs_that_do_not_fit(self):
        for array, part in ((self.x.astype(numpy.float64), "x is f32[N, 8], and f64[5, 8] was given"),
                            (self.x[:, :7], "f32[5, 7] was given"),
                            (self.x[0], "f32[8] was given"),
                            (self.x[:0], "must be at least 1")):
            with self.subTest(part):
                _, errors = lathe(*self.words, "--input", f"x={self.save('bad', array)}", status=2)
                self.assertIn(part, errors)
        x = self.save("x", self.x)
        for words, part in ((["--input", f"z={x}"], "no input z; there are x"),
                            (["--input", f"x={x}", "--input", f"x={x}"], "twice"),
                            (["--input", f"x={x}", "--shapes", "N=4"], "N is"),
                            (["--shapes", "M=4"], "no dimension M; there are N"),
                            (["--shapes", "N=0"], "at least 1"),
                            (["--shapes", "N=x"], "no whole number"),
                            (["--input", "x"], "NAME=VALUE"),
                            (["--iterations", 0], "--iterations"),
                            (["--streams", 0], "--streams"),
                            (["--percentile", 101], "--percentile")):
            with self.subTest(part):
                self.assertIn(part, lathe(*self.words, *words, status=2)[1])

    def test_refuses_broken_files(self):
        path = self.save("x", self.x)
        whole = path.read_bytes()
        for content, part in ((whole[:-1], "the file ends inside the elements"), (whole + b"x", "1 bytes follow"),
                              (b"", "the file ends inside the signature"), (whole.replace(b"<f4", b"|O8"), "|O8")):
            with self.subTest(part):
                path.write_bytes(content)
                errors = lathe(*self.words, "--input", f"x={path}", status=1)[1]
                self.assertIn(part, errors)
                self.assertIn(str(path), errors)
        self.assertIn("missing.npy", lathe(*self.words, "--input", "x=missing.npy", status=1)[1])

    def test_refuses_graphs_that_are_not_whole(self):
        self.assertIn("scale f32[8] was not given", lathe("exec", self.graph, *QUICK, status=1)[1])
        wrong = self.save("scale", self.scale[:7])
        _, errors = lathe(*self.words, "--constant", f"scale={wrong}", status=1)
        self.assertIn("scale is f32[8], and f32[7] was given", errors)
        broken = self.write("broken.graph", GRAPH.replace("Swish", "Swoosh"))
        _, errors = lathe("exec", broken, "--constants", self.folder / "constants", status=1)
        self.assertIn("broken.graph", errors)
        self.assertIn("line 7", errors)

    def test_indices_are_checked(self):
        graph = self.write("rows.graph", """graph rows {
  %table: f32[4, 8] = input
  %ids: i32[N] = input
  %y: f32[N, 8] = Gather(%table, %ids)
  return y = %y
}
""")
        for ids, part in (([0, 4], "ids[1] is 4"), ([-1, 0], "ids[0] is -1")):
            path = self.save("ids", numpy.array(ids, numpy.int32))
            _, errors = lathe("exec", graph, "--input", f"ids={path}", *QUICK, status=2)
            self.assertIn(part, errors)
            self.assertIn("takes 0 to 3", errors)
        table = numpy.arange(32, dtype=numpy.float32).reshape(4, 8)
        ids = self.save("ids", numpy.array([3, 0], numpy.int32))
        lathe("exec", graph, "--input", f"ids={ids},table={self.save('table', table)}", *QUICK, "--output",
              self.folder / "out")
        numpy.testing.assert_array_equal(numpy.load(self.folder / "out" / "y.npy"), table[[3, 0]])
        self.assertIn("ids (random, 0 to 3)", lathe("exec", graph, *QUICK)[1])


class Report(Folder):
    def setUp(self):
        super().setUp()
        self.graph = self.write("add.graph", """graph add {
  %a: f32[N, 256] = input
  %b: f32[N, 256] = input
  %s: f32[N, 256] = Add(%a, %b)
  %y: f32[N, 256] = Tanh(%s)
  return y = %y
}
""")

    def exec(self, *words):
        return lathe("exec", self.graph, "--shapes", "N=64", *words)

    def test_has_all_lines_of_trtexec(self):
        text, _ = self.exec("--warm-up", 20, "--duration", 0.05, "--avg-runs", 5, "--percentile", "50,99")
        summary = (rf"min = {TIME} ms, max = {TIME} ms, mean = {TIME} ms, median = {TIME} ms, "
                   rf"percentile\(50%\) = {TIME} ms, percentile\(99%\) = {TIME} ms")
        lines = text.splitlines()
        patterns = [r"Warmup completed \d+ queries over 20 ms", rf"Timing trace has (\d+) queries over {TIME} s",
                    "=== Trace details ===", "=== Performance summary ===", rf"Throughput: {TIME} qps",
                    "Latency: " + summary, "Enqueue Time: " + summary, "H2D Latency: " + summary,
                    "GPU Compute Time: " + summary, "D2H Latency: " + summary,
                    rf"Total Host Walltime: {TIME} s", rf"Total GPU Compute Time: {TIME} s"]
        found = []
        for pattern in patterns:
            matches = [re.fullmatch(pattern, line) for line in lines if re.fullmatch(pattern, line)]
            self.assertEqual(len(matches), 1, pattern)
            found.append(matches[0])
        queries, seconds = int(found[1][1]), float(found[1][2])
        self.assertGreaterEqual(queries, 10)
        self.assertGreaterEqual(seconds, 0.05)
        self.assertAlmostEqual(float(found[4][1]), queries / seconds, delta=0.01 * queries / seconds)
        averages = [line for line in lines if line.startswith("Average on 5 runs - GPU latency: ")]
        self.assertEqual(len(averages), queries // 5)
        for line in averages:
            self.assertRegex(line, rf"GPU latency: {TIME} ms - Host latency: {TIME} ms \(enqueue {TIME} ms\)$")
        for match in found[5:10]:
            least, most, mean, median, half, high = map(float, match.groups())
            self.assertTrue(0 <= least <= median <= high <= most and least <= mean <= most, match[0])
            self.assertAlmostEqual(half, median, delta=most - least + 1e-9)
        for match in (found[7], found[8], found[9]):
            self.assertGreater(float(match[2]), 0)  # measured, not filled in
        self.assertLessEqual(float(found[11][1]), float(found[10][1]))

    def test_exports(self):
        times, profile, layers = (self.folder / name for name in ("times.json", "profile.json", "layers.json"))
        text, _ = self.exec("--iterations", 25, *QUICK, "--export-times", times, "--exportProfile", profile,
                            "--export-layer-info", layers, "--dump-profile", "--dump-output")
        runs = json.loads(times.read_text())
        self.assertEqual(int(re.search(r"Timing trace has (\d+)", text)[1]), len(runs))
        for run in runs:
            self.assertEqual(list(run), ["startEnqMs", "endEnqMs", "startH2dMs", "endH2dMs", "startComputeMs",
                                         "endComputeMs", "startD2hMs", "endD2hMs", "h2dMs", "computeMs", "d2hMs",
                                         "latencyMs"])
            self.assertAlmostEqual(run["h2dMs"], run["endH2dMs"] - run["startH2dMs"], places=6)
            self.assertAlmostEqual(run["latencyMs"], run["h2dMs"] + run["computeMs"] + run["d2hMs"], places=6)
            self.assertLessEqual(run["startEnqMs"], run["endEnqMs"])
        self.assertEqual(runs[0]["startH2dMs"], 0)
        head, *rows = json.loads(profile.read_text())
        self.assertGreaterEqual(head["count"], 25)
        described = json.loads(layers.read_text())
        self.assertEqual([row["name"] for row in rows], [layer["Name"] for layer in described["Layers"]])
        self.assertAlmostEqual(sum(row["percentage"] for row in rows), 100, places=3)
        for row in rows:
            self.assertEqual(list(row), ["name", "timeMs", "averageMs", "medianMs", "percentage"])
            self.assertAlmostEqual(row["timeMs"] / head["count"], row["averageMs"], places=6)
        for layer in described["Layers"]:
            self.assertTrue(layer["TacticName"])
            self.assertEqual(layer["Outputs"][0]["Dimensions"], ["N", 256])
        self.assertEqual(described["Bindings"], ["a", "b", "y"])
        self.assertRegex(text, r"=== Profile \(\d+ iterations \) ===\n +Time\(ms\) +Avg.\(ms\) +Median\(ms\) +"
                               r"Time\(%\) +Layer\n")
        self.assertRegex(text, r" 100.0   Total\n")
        values = re.search(r"Output Tensors:\ny: \(64x256\)\n(.*)\n", text)[1].split()
        self.assertEqual(len(values), 64 * 256)

    def test_streams_give_the_same_and_count_together(self):
        one, two = self.folder / "1.json", self.folder / "2.json"
        self.exec(*QUICK, "--export-output", one)
        text, errors = self.exec(*QUICK, "--streams", 2, "-t", 2, "--export-output", two)
        self.assertEqual(one.read_text(), two.read_text())
        self.assertGreaterEqual(int(re.search(r"Timing trace has (\d+)", text)[1]), 20)
        self.assertIn("2 streams ran at once", errors)

    def test_transfers_can_be_left_out(self):
        text, _ = self.exec("--warmUp", 1, "--duration", 0, "--noDataTransfers")
        worst = float(re.search(rf"D2H Latency: min = {TIME} ms, max = {TIME} ms", text)[2])
        self.assertLess(worst, 0.5)
        self.assertIn("Warmup completed", text)


class Models(Folder):
    def test_a_model_runs_on_tokens_that_are_made_up(self):
        text, errors = lathe("exec", "smollm2", "--shapes", "T=5", "--ctx", 64, *QUICK, "--iterations", 1,
                             "--output", self.folder)
        self.assertIn("ids (random, 0 to 49151)", errors)
        self.assertIn("1 sequence of 5 tokens", errors)
        self.assertEqual(numpy.load(self.folder / "logits.npy").shape, (1, 49152))
        self.assertIn("Throughput", text)

    def test_gives_the_logits_that_the_engine_gives(self):
        ids = [1, 200, 3000, 40000, 5]
        path = self.save("ids", numpy.array(ids, numpy.int32))
        lathe("logits", "--ids", json.dumps(ids), "-o", self.folder / "engine.npy", "--ctx", 64)
        rows = self.save("rows", numpy.arange(5, dtype=numpy.int32))
        lathe("exec", "-m", "smollm2", "--input", f"ids={path}", "--input", f"out_rows={rows}", "--ctx", 64, *QUICK,
              "--iterations", 1, "--output", self.folder / "out")
        numpy.testing.assert_array_equal(numpy.load(self.folder / "out" / "logits.npy"),
                                         numpy.load(self.folder / "engine.npy"))

    def test_a_models_graph_in_text_form_takes_its_weights_from_it(self):
        graph = self.write("head.graph", """graph head {
  %x: f32[N, 576] = input
  %w: f32[576] = constant "output_norm.weight"
  %y: f32[N, 576] = RMSNormalization(%x, %w) {epsilon = 1e-05}
  return y = %y
}
""")
        lathe("exec", graph, "-m", "smollm2", *QUICK, "--output", self.folder)
        self.assertTrue(numpy.isfinite(numpy.load(self.folder / "y.npy")).all())

    def test_steps_that_lead_outside_are_refused(self):
        for name, array, part in (("sequences", [[0, 2, 0, 0]], "sequences has 2 tokens, the step 3"),
                                  ("sequences", [[0, 3, 64, 0]], "needs 2 pages"),
                                  ("sequences", [[1, 3, 0, 0]], "must start at token 0"),
                                  ("block_tables", [1], "block_tables[0] is 1"),
                                  ("out_rows", [3], "out_rows[0] is 3"),
                                  ("ids", [0, 1, 49152], "ids[2] is 49152")):
            with self.subTest(part):
                path = self.save("bad", numpy.array(array, numpy.int32))
                _, errors = lathe("exec", "--shapes", "T=3,B=1,P=1", "--ctx", 128, "--input", f"{name}={path}", *QUICK,
                                  status=2)
                self.assertIn(part, errors)

    def test_two_sequences_behind_others(self):
        _, errors = lathe("exec", "--shapes", "T=3,Q=2", "--past", 70, "--ctx", 128, *QUICK, "--iterations", 1)
        self.assertIn("2 sequences of 3 tokens, behind 70 each", errors)
        self.assertIn("logits f32[2, 49152]", errors)

    def test_a_plan_file_gives_the_bits_of_the_model(self):
        plan, ids = self.folder / "model.plan", self.save("ids", numpy.array([1, 200, 3000, 40000, 5], numpy.int32))
        lathe("build", "-o", plan, "--ctx", 64, "--opt-level", 0)
        words = ["--input", f"ids={ids}", *QUICK, "--iterations", 2]
        lathe("exec", "smollm2", *words, "--ctx", 64, "--output", self.folder / "model")
        for name, more in (("plan", []), ("streams", ["--streams", 2, "-t", 2])):
            _, errors = lathe("exec", plan, *words, *more, "--output", self.folder / name)
            self.assertIn("log_sum_exp f32[1]", errors)
            self.assertEqual((self.folder / name / "logits.npy").read_bytes(),
                             (self.folder / "model" / "logits.npy").read_bytes())
        self.assertIn("1 equal bit for bit", out("compare", plan, "smollm2", "--ctx", 64, "--ids", "1,2,3"))
        self.assertIn("which no profile of the plan takes", lathe("exec", plan, "--shapes", "T=65", status=2)[1])
        self.assertIn("ids[0] is 49152", lathe("exec", plan, "--input",
                                               f"ids={self.save('bad', numpy.array([49152], numpy.int32))}",
                                               status=2)[1])
        self.assertIn("math", lathe("exec", plan, "--math", "f32", status=2)[1])
        with open(plan, "r+b") as file:
            file.seek(100)
            file.write(b"damaged")
        self.assertIn(str(plan), lathe("exec", plan, status=1)[1])


class Networks(Folder):
    """ONNX networks in the same commands: a product whose rows are chosen at run time, NonZero's."""

    def network(self):
        values = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 3]),
                  onnx.helper.make_tensor_value_info("keep", onnx.TensorProto.BOOL, ["N"])]
        result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
        weight = onnx.numpy_helper.from_array(numpy.arange(6, dtype=numpy.float32).reshape(3, 2), "w")
        nodes = [onnx.helper.make_node("MatMul", ["x", "w"], ["p"], name="product"),
                 onnx.helper.make_node("Compress", ["p", "keep"], ["y"], name="kept", axis=0)]
        graph = onnx.helper.make_graph(nodes, "chosen", values, [result], [weight])
        path = self.folder / "chosen.onnx"
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10), path)
        return path

    def test_run_where_a_size_depends_on_what_a_tensor_holds(self):
        path, x = self.network(), numpy.random.default_rng(1).standard_normal((4, 3)).astype(numpy.float32)
        keep = numpy.array([1, 0, 1, 1], numpy.uint8)
        keep.tofile(self.folder / "keep.bin")
        plan = self.folder / "chosen.plan"
        out("build", "-m", path, "--shapes", "N=4", "-o", plan)
        for program in (path, plan):
            out("exec", program, *QUICK, "--input", f"x={self.save('x', x)}", "--shapes", "N=4",
                "--input", f"keep={self.folder / 'keep.bin'}", "--output", self.folder / "result")
            found = numpy.load(self.folder / "result" / "y.npy")
            weight = numpy.arange(6, dtype=numpy.float32).reshape(3, 2)
            numpy.testing.assert_allclose(found, (x @ weight)[keep == 1], rtol=1e-6, atol=1e-6)

    def test_inspect_shows_ops_graph_and_plan(self):
        path = self.network()
        text = out("inspect", path)
        self.assertIn("input x: f32[N, 3]", text)
        self.assertRegex(text, r"Compress +1")
        self.assertIn("Compress", out("inspect", path, "--graph"))
        layers = json.loads(out("inspect", path, "--json"))
        self.assertIn("kept", json.dumps(layers))

    def test_a_missing_or_broken_network_is_named(self):
        self.assertIn("model.onnx", lathe("exec", "model.onnx", status=1)[1])
        broken = self.write("broken.onnx", "no network")
        self.assertIn("broken.onnx", lathe("exec", broken, status=1)[1])


if __name__ == "__main__":
    unittest.main()
