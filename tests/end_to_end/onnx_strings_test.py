"""Networks on texts: tensors of strings go through whatever moves elements, through bodies, sequences, plans and files,
and the ops that read or write texts give what Python gives. What an op cannot do with texts is refused by its name."""
import json
import resource
import subprocess
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from onnx_ops import ONCE, PROGRAM, OpTest

STRING = TensorProto.STRING
X = np.array([["a", "bc", "Grüße"], ["", "€ 5", "日本語 \U0001f600"]])


def node(op, inputs, outputs, domain="", **attributes):
    return helper.make_node(op, list(inputs), list(outputs), name=f"the_{op}", domain=domain, **attributes)


def texts(*values):
    return np.array(values, dtype=np.str_)


def string_info(name, shape=None):
    return helper.make_tensor_value_info(name, STRING, shape)


class StringTest(OpTest):
    opsets = {"": 23, "ai.onnx.ml": 4}

    def expect(self, nodes, constants, inputs, expected, shapes=None):
        done = self.run_nodes(nodes, constants, inputs, expected, shapes)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, array in expected.items():
            found = np.load(self.folder / "out" / f"{name}.npy")
            self.assertEqual(found.dtype.kind, array.dtype.kind, name)
            np.testing.assert_array_equal(found, array, err_msg=name)

    def expect_one(self, op, inputs, result, **attributes):
        self.expect([node(op, inputs, ["y"], **attributes)], {}, inputs, {"y": result})


class Moving(StringTest):
    def test_elements_of_texts_move_as_others_do(self):
        indices = np.array([[2, 0], [1, 1]])
        condition = np.array([[True], [False]])
        constants = {"shape": np.array([3, 2]), "axis0": np.array([0]), "starts": np.array([-1]), "ends": np.array([-4]),
                     "axes": np.array([1]), "steps": np.array([-1]), "wide": np.array([2, 2, 3]),
                     "times": np.array([2, 1]), "which": np.array([2, 0]), "indices": indices, "condition": condition,
                     "other": texts("other"), "pads": np.array([0, 1, 1, 0]), "filler": np.array("#"),
                     "pick": np.array([True, False, True]), "pairs": np.array([[1, 2], [0, 0]])}
        cases = {
            "identity": (node("Identity", ["x"], ["identity"]), X),
            "reshape": (node("Reshape", ["x", "shape"], ["reshape"]), X.reshape(3, 2)),
            "flatten": (node("Flatten", ["x"], ["flatten"], axis=0), X.reshape(1, 6)),
            "unsqueeze": (node("Unsqueeze", ["x", "axis0"], ["unsqueeze"]), X[None]),
            "concat": (node("Concat", ["x", "x"], ["concat"], axis=1), np.concatenate([X, X], 1)),
            "gather": (node("Gather", ["x", "which"], ["gather"], axis=1), X[:, [2, 0]]),
            "elements": (node("GatherElements", ["x", "indices"], ["elements"], axis=1),
                         np.take_along_axis(X, indices, 1)),
            "pairwise": (node("GatherND", ["x", "pairs"], ["pairwise"]), texts(X[1, 2], X[0, 0])),
            "slice": (node("Slice", ["x", "starts", "ends", "axes", "steps"], ["slice"]), X[:, ::-1]),
            "transpose": (node("Transpose", ["x"], ["transpose"]), X.T),
            "expand": (node("Expand", ["x", "wide"], ["expand"]), np.broadcast_to(X, (2, 2, 3))),
            "tile": (node("Tile", ["x", "times"], ["tile"]), np.tile(X, (2, 1))),
            "where": (node("Where", ["condition", "x", "other"], ["where"]), np.where(condition, X, "other")),
            "pad": (node("Pad", ["x", "pads", "filler"], ["pad"]),
                    np.pad(X.astype(object), ((0, 1), (1, 0)), constant_values="#").astype(np.str_)),
            "empty_pad": (node("Pad", ["x", "pads"], ["empty_pad"]),
                          np.pad(X.astype(object), ((0, 1), (1, 0)), constant_values="").astype(np.str_)),
            "compress": (node("Compress", ["x", "pick"], ["compress"], axis=1), X[:, [0, 2]]),
            "dims": (node("Shape", ["x"], ["dims"]), np.array([2, 3])),
            "size": (node("Size", ["x"], ["size"]), np.array(6)),
            "equal": (node("Equal", ["x", "x_0"], ["equal"]), X == X[:, :1]),
        }
        nodes = [node("Split", ["x"], ["x_0", "x_1", "x_2"], axis=1, num_outputs=3), *(case[0] for case in cases.values())]
        expected = {name: case[1] for name, case in cases.items()} | {"x_1": X[:, 1:2]}
        self.expect(nodes, constants, {"x": X}, expected)

    def test_sizes_that_have_names_and_no_elements(self):
        joined = np.char.add(X, X)
        for x in (X, np.zeros((0, 3), np.str_)):
            self.expect([node("StringConcat", ["x", "x"], ["y"])], {}, {"x": x}, {"y": np.char.add(x, x)},
                        {"x": ["N", 3]})
        self.expect([node("StringConcat", ["x", "x"], ["y"])], {}, {"x": X}, {"y": joined}, {"x": ["N", "M"]})

    def test_constants(self):
        scalar = helper.make_node("Constant", [], ["scalar"], value_string="ünï")
        some = helper.make_node("Constant", [], ["some"], value_strings=["a", "", "c"])
        tensor = helper.make_node("Constant", [], ["tensor"], value=numpy_helper.from_array(X.astype(object)))
        nodes = [scalar, some, tensor, node("StringConcat", ["some", "scalar"], ["joined"]),
                 node("Identity", ["given"], ["copy"]), node("Identity", ["nothing"], ["none"])]
        given = texts("x", "y").reshape(2, 1)
        self.expect(nodes, {"given": given, "nothing": np.zeros((0, 2), np.str_)}, {"unused": texts("u")},
                    {"scalar": np.array("ünï"), "some": texts("a", "", "c"), "tensor": X, "copy": given,
                     "joined": texts("aünï", "ünï", "cünï"), "none": np.zeros((0, 2), np.str_)})


class Bodies(StringTest):
    def test_if_loop_and_scan_pass_texts_through(self):
        branches = [helper.make_graph([node(op, ["x", "suffix"] if swap else ["suffix", "x"], ["b"])], op + str(swap), [],
                                      [string_info("b")])
                    for op, swap in (("StringConcat", True), ("StringConcat", False))]
        body = helper.make_graph(
            [node("StringConcat", ["carried", "suffix"], ["longer"]), node("Identity", ["go"], ["on"]),
             node("Identity", ["longer"], ["each"])], "body",
            [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
             string_info("carried")],
            [helper.make_tensor_value_info("on", TensorProto.BOOL, []), string_info("longer"), string_info("each")])
        scanned = helper.make_graph([node("StringConcat", ["state", "part"], ["next"]), node("Identity", ["next"], ["seen"])],
                                    "scan", [string_info("state", []), string_info("part", [])],
                                    [string_info("next", []), string_info("seen", [])])
        nodes = [helper.make_node("If", ["condition"], ["chosen"], then_branch=branches[0], else_branch=branches[1]),
                 helper.make_node("Loop", ["three", "", "x"], ["last", "all"], body=body),
                 helper.make_node("Scan", ["empty", "x"], ["joined", "sums"], body=scanned, num_scan_inputs=1)]
        constants = {"suffix": texts("!"), "three": np.array(3), "empty": np.array("")}
        x = texts("a", "bc", "d")
        loop = [np.char.add(x, "!" * (i + 1)) for i in range(3)]
        for condition in (True, False):
            chosen = np.char.add(x, "!") if condition else np.char.add("!", x)
            self.expect(nodes, constants, {"x": x, "condition": np.array(condition)},
                        {"chosen": chosen, "last": loop[2], "all": np.array(loop), "joined": np.array("abcd"),
                         "sums": texts("a", "abc", "abcd")})

    def test_sequences_and_optionals(self):
        nodes = [node("SequenceConstruct", ["x", "z"], ["s"]), node("SequenceInsert", ["s", "x", "one"], ["t"]),
                 node("SequenceAt", ["t", "two"], ["at"]), node("SequenceLength", ["t"], ["length"]),
                 node("ConcatFromSequence", ["t"], ["joined"], axis=0),
                 node("SplitToSequence", ["x"], ["parts"], axis=0, keepdims=0),
                 node("SequenceAt", ["parts", "one"], ["part"]), node("Optional", ["x"], ["o"]),
                 node("OptionalGetElement", ["o"], ["got"]), node("SequenceEmpty", [], ["e"], dtype=STRING),
                 node("SequenceInsert", ["e", "z"], ["f"]), node("ConcatFromSequence", ["f"], ["alone"], axis=0)]
        x, z = texts("a", "b"), texts("cd")
        self.expect(nodes, {"one": np.array(1), "two": np.array(2)}, {"x": x, "z": z},
                    {"at": z, "length": np.array(3), "joined": texts("a", "b", "a", "b", "cd"), "part": np.array("b"),
                     "got": x, "alone": z})


class Reading(StringTest):
    def test_split_follows_python(self):
        rows = ["a b  c ", " \t x\u3000y ", "", "   ", "one", "ä-ö--ü"]
        for delimiter in ("", " ", "-", "--", "ö"):
            for maxsplit in (None, 0, 1, 2):
                parts = [row.split(delimiter or None, -1 if maxsplit is None else maxsplit) for row in rows]
                width = max(map(len, parts))
                attributes = {"delimiter": delimiter} | ({} if maxsplit is None else {"maxsplit": maxsplit})
                self.expect([node("StringSplit", ["x"], ["y", "n"], **attributes)], {}, {"x": texts(*rows)},
                            {"y": texts(*[part + [""] * (width - len(part)) for part in parts]),
                             "n": np.array([len(part) for part in parts])})

    def test_full_matches(self):
        rows = texts("www.google.com", "www.google.com ", "", "aab", "ÄB", "a\nb")
        for pattern, expected in ((r"www\.[\w.-]+\.\bcom\b", [1, 0, 0, 0, 0, 0]), ("a*b?", [0, 0, 1, 1, 0, 0]),
                                  ("(?i)äb", [0, 0, 0, 0, 1, 0]), (r"\p{L}+", [0, 0, 0, 1, 1, 0]),
                                  ("a|aab", [0, 0, 0, 1, 0, 0]), ("(?s)a.b", [0, 0, 0, 1, 0, 1]), ("a.b", [0, 0, 0, 1, 0, 0])):
            self.expect_one("RegexFullMatch", {"x": rows}, np.array(expected, bool), pattern=pattern)
        long = texts("a" * 200_000 + "c")
        self.expect_one("RegexFullMatch", {"x": long}, np.array([False]), pattern="(a*)*(a|aa)*b")

    def test_normalizer(self):
        words = texts("Monday", "tuesday", "ÄRGER", "ärger", "of", "", "Straße")
        for case, change in (("NONE", str), ("LOWER", str.lower)):
            for sensitive in (0, 1):
                stop = ["monday", "of", "ärger", "ÄRGER"][: 3 + sensitive]
                same = str if sensitive else str.lower
                kept = [change(w) for w in words.tolist() if same(w) not in {same(s) for s in stop}]
                for shape in ((-1,), (1, -1)):
                    self.expect_one("StringNormalizer", {"x": words.reshape(shape)}, texts(*kept).reshape(shape),
                                    case_change_action=case, is_case_sensitive=sensitive, stopwords=stop)
        self.expect_one("StringNormalizer", {"x": texts("éa", "ß", "ǆ")}, texts("ÉA", "ß", "Ǆ"), case_change_action="UPPER")
        self.expect_one("StringNormalizer", {"x": texts("A", "a")}, texts(""), stopwords=["a"])

    def test_casts(self):
        rows = texts("3.14", "-1e-5", "1E8", "+7", "100.5", "INF", "-inf", "+Inf", "NaN", "1e999", "-1e-999")
        reals = [3.14, -1e-5, 1e8, 7, 100.5, np.inf, -np.inf, np.inf, np.nan, np.inf, -0.0]
        for name, dtype in (("f32", np.float32), ("f64", np.float64), ("f16", np.float16)):
            with np.errstate(over="ignore"):
                wanted = np.array(reals, np.float32 if dtype == np.float16 else dtype).astype(dtype)
            self.expect_one("Cast", {"x": rows}, wanted, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        whole = texts("-9223372036854775808", "9223372036854775807", "100.5", "-1e2")
        self.expect_one("Cast", {"x": whole}, np.array([-2**63, 2**63 - 1, 100, -100]), to=TensorProto.INT64)
        self.expect_one("Cast", {"x": texts("255", "0")}, np.array([255, 0], np.uint8), to=TensorProto.UINT8)
        self.expect_one("Cast", {"x": texts("1", "0", "-0.0", "2")}, np.array([1, 0, 0, 1], bool), to=TensorProto.BOOL)
        for x, written in ((np.array([0.1, 1, -2.5, 1e-7, 1e9, np.inf, -np.inf, np.nan], np.float32),
                            ("0.1", "1", "-2.5", "0.0000001", "1000000000", "INF", "-INF", "NaN")),
                           (np.array([0.1, 1 / 3]), ("0.1", "0.3333333333333333")), (np.array([0.5], np.float16), ("0.5",)),
                           (np.array([-2**63, 7]), ("-9223372036854775808", "7")), (np.array([200], np.uint8), ("200",)),
                           (np.array([True, False]), ("1", "0"))):
            self.expect_one("Cast", {"x": x}, texts(*written), to=STRING)
            self.expect([node("CastLike", ["x", "t"], ["y"])], {"t": texts("t")}, {"x": x}, {"y": texts(*written)})
        for text, to, dtype in (("hello", TensorProto.FLOAT, "f32"), ("256", TensorProto.UINT8, "u8"),
                                ("", TensorProto.INT32, "i32"), ("1 ", TensorProto.DOUBLE, "f64")):
            done = self.run_nodes([node("Cast", ["x"], ["y"], to=to)], {}, {"x": texts(text)}, {"y": np.zeros(1)})
            self.assertEqual(done.returncode, 2)
            self.assertIn(f'the_Cast: the text "{text}" is no number that {dtype} holds', done.stderr)


class Tables(StringTest):
    def encoder(self, x, result, **attributes):
        self.expect_one("LabelEncoder", {"x": x}, result, domain="ai.onnx.ml", **attributes)

    def test_label_encoder(self):
        names = texts("Amy", "Dori", "Sally", "Amy")
        self.encoder(names, np.array([5, -1, 6, 5]), keys_strings=["Amy", "Sally"], values_int64s=[5, 6])
        self.encoder(names, np.array([7, 0.5, 6, 7], np.float32), keys_strings=["Amy", "Sally", "Amy"],
                     values_floats=[5.0, 6.0, 7.0], default_float=0.5)
        self.encoder(names, texts("x", "_Unused", "y", "x"), keys_strings=["Amy", "Sally"], values_strings=["x", "y"])
        self.encoder(np.array([1, 2, 3]), texts("one", "more", "three"), keys_int64s=[1, 3], values_strings=["one", "three"],
                     default_string="more")
        self.encoder(np.array([1.5, np.nan], np.float32), texts("?", "none"), keys_floats=[float("nan")],
                     values_strings=["none"], default_string="?")

    def test_tf_idf_of_texts(self):
        x = np.array([["a", "b", "c", "b"], ["b", "b", "d", "a"]])
        one = node("TfIdfVectorizer", ["x"], ["y"], mode="TFIDF", min_gram_length=1, max_gram_length=2, max_skip_count=1,
                   ngram_counts=[0, 3], ngram_indexes=[0, 1, 2, 3, 4], pool_strings=["a", "b", "e", "b", "b", "a", "d"],
                   weights=[1.0, 2.0, 3.0, 0.5, 4.0])
        as_numbers = {text: i for i, text in enumerate("abcde")}
        same = node("TfIdfVectorizer", ["x"], ["y"], mode="TFIDF", min_gram_length=1, max_gram_length=2, max_skip_count=1,
                    ngram_counts=[0, 3], ngram_indexes=[0, 1, 2, 3, 4], pool_int64s=[as_numbers[t] for t in "abebbad"],
                    weights=[1.0, 2.0, 3.0, 0.5, 4.0])
        graph = helper.make_graph([same], "g", [helper.make_tensor_value_info("x", TensorProto.INT64, [2, 4])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        numbers = np.vectorize(as_numbers.get)(x)
        wanted = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])).run(
            None, {"x": numbers})[0]
        self.assertGreaterEqual(wanted.any(axis=0).sum(), 3)
        self.expect([one], {}, {"x": x}, {"y": wanted})


class Files(StringTest):
    def network(self, nodes, inputs, outputs):
        graph = helper.make_graph(nodes, "texts", inputs, outputs)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11),
                  self.folder / "net.onnx")
        return self.folder / "net.onnx"

    def lathe(self, *words):
        return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False, timeout=120)

    def test_a_plan_holds_texts_and_takes_others(self):
        model = self.network([helper.make_node("Constant", [], ["c"], value_strings=["<", ">"]),
                              node("StringConcat", ["x", "c"], ["y"])], [string_info("x", ["N", 1])], [string_info("y")])
        plan = self.folder / "net.plan"
        built = self.lathe("build", "-m", model, "--shapes", "N=4", "-o", plan)
        self.assertEqual(built.returncode, 0, built.stderr)
        for rows in (["ä", "", "日"], ["one"]):
            np.save(self.folder / "x.npy", texts(*rows).reshape(-1, 1))
            out = self.folder / "out"
            ran = self.lathe("exec", plan, "--input", f"x={self.folder}/x.npy", *ONCE, "--output", out, "--export-output",
                             self.folder / "y.json", "--dump-output")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            wanted = np.char.add(texts(*rows).reshape(-1, 1), texts("<", ">"))
            np.testing.assert_array_equal(np.load(out / "y.npy"), wanted)
            exported = json.loads((self.folder / "y.json").read_text())
            self.assertEqual(exported[0]["values"], wanted.ravel().tolist())
            self.assertEqual(exported[0]["dimensions"], f"{len(rows)}x2")
            self.assertIn(" ".join(json.dumps(t, ensure_ascii=False) for t in wanted.ravel()), ran.stdout)
        same = self.lathe("compare", model, plan, "--input", f"x={self.folder}/x.npy")
        self.assertEqual(same.returncode, 0, same.stdout + same.stderr)
        (self.folder / "expected").mkdir()
        np.save(self.folder / "expected" / "y.npy", texts("one<", "ONE>").reshape(1, 2))
        other = self.lathe("compare", model, self.folder / "expected", "--input", f"x={self.folder}/x.npy", "--json")
        self.assertEqual(other.returncode, 1, other.stdout + other.stderr)
        shown = self.lathe("inspect", model)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("string", shown.stdout)

    def test_inputs_are_made_up_and_arrays_of_bytes_are_read(self):
        model = self.network([node("StringConcat", ["x", "x"], ["y"])], [string_info("x", ["N"])], [string_info("y")])
        made = self.lathe("exec", model, "--shapes", "N=3", *ONCE, "--output", self.folder / "made")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("made up: x (texts of random numbers", made.stderr)
        for text in np.load(self.folder / "made" / "y.npy"):
            self.assertEqual(text[: len(text) // 2], text[len(text) // 2:])
        np.save(self.folder / "x.npy", np.array(["ä".encode(), b"b"]))
        ran = self.lathe("exec", model, "--input", f"x={self.folder}/x.npy", *ONCE, "--output", self.folder / "out")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        np.testing.assert_array_equal(np.load(self.folder / "out" / "y.npy"), texts("ää", "bb"))

    def test_wrong_inputs_are_refused(self):
        model = self.network([node("StringConcat", ["x", "x"], ["y"])], [string_info("x", [2])], [string_info("y")])
        for array, message in ((np.array([1, 2]), "x is string[2], and i64[2] was given"),
                               (texts("a"), "string[1] was given"), (np.array([b"\xff", b"a"]), "not UTF-8"),
                               (np.array(["a", None], object), "no numbers that tensors hold")):
            np.save(self.folder / "x.npy", array, allow_pickle=True)
            done = self.lathe("exec", model, "--input", f"x={self.folder}/x.npy", *ONCE)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(message, done.stderr)


class Refusals(StringTest):
    def expect_refused(self, nodes, constants, inputs, message, status=1):
        done = self.run_nodes(nodes, constants, inputs, {"y": np.zeros(1, np.float32)})
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(message, done.stderr)

    def test_ops_that_compute_with_numbers(self):
        k = {"k": np.array([1])}
        for each in (node("Add", ["x", "x"], ["y"]), node("Less", ["x", "x"], ["y"]), node("Relu", ["x"], ["y"]),
                     node("TopK", ["x", "k"], ["y", "i"]), node("Unique", ["x"], ["y"]), node("NonZero", ["x"], ["y"]),
                     node("Cast", ["x"], ["y"], to=TensorProto.FLOAT8E5M2), node("CumSum", ["x", "k"], ["y"]),
                     node("ArgMax", ["x"], ["y"]), node("ReduceSum", ["x"], ["y"]), node("MatMul", ["x", "x"], ["y"]),
                     node("ScatterElements", ["x", "i0", "x"], ["y"], reduction="add")):
            self.expect_refused([each], k | {"i0": np.array([1, 0])}, {"x": texts("b", "a")}, each.name)

    def test_attributes_and_shapes_that_do_not_fit(self):
        x = {"x": texts("a", "b")}
        for pattern in ("(", r"(a)\1", "(?=a)", "a{2000}"):
            self.expect_refused([node("RegexFullMatch", ["x"], ["y"], pattern=pattern)], {}, x, "cannot be compiled")
        self.expect_refused([node("StringNormalizer", ["x"], ["y"], case_change_action="UP")], {}, x, "NONE, LOWER or UPPER")
        self.expect_refused([node("StringNormalizer", ["x"], ["y"])], {}, {"x": X}, "the_StringNormalizer")
        self.expect_refused([node("StringConcat", ["x", "z"], ["y"])], {"z": texts("1", "2", "3")}, x, "the_StringConcat")
        self.expect_refused([node("StringNormalizer", ["x"], ["y"], stopwords=[b"\xc3"])], {}, x, "is not UTF-8")

    def test_more_texts_than_memory_holds(self):
        graph = helper.make_graph([node("StringConcat", ["x", "z"], ["y"])], "many",
                                  [string_info("x", ["N", 1]), string_info("z", [1, "N"])], [string_info("y")])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11),
                  self.folder / "many.onnx")
        long = np.char.add("t" * 8000, np.arange(2000).astype(np.str_))
        np.save(self.folder / "x.npy", long[:, None])
        np.save(self.folder / "z.npy", long[None])
        done = subprocess.run([PROGRAM, "exec", self.folder / "many.onnx", "-t", "1", "--input", f"x={self.folder}/x.npy",
                               "--input", f"z={self.folder}/z.npy", *ONCE], capture_output=True, text=True, check=False,
                              timeout=120, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "the_StringConcat: the table of texts needs [0-9]+ bytes of memory")


if __name__ == "__main__":
    unittest.main()
