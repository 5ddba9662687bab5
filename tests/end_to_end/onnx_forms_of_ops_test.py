"""Ops that become others while they are read, in `lathe exec` against the onnx package's evaluator or NumPy: ensembles of trees,
counts of n-grams, attention with graphs, and Scan with a batch."""
import unittest

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_ops import OpTest, info

LEQ, LT, GTE, GT, EQ, NEQ, MEMBER = range(7)


def evaluated(node, inputs, opsets):
    """What the package's own evaluator gives for one node with one output y."""
    graph = helper.make_graph([node], "one", [info(n, a) for n, a in inputs.items()],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets.items()], ir_version=11)
    return ReferenceEvaluator(model).run(None, inputs)[0]


class Trees(OpTest):
    opsets = {"ai.onnx.ml": 5}

    def ensemble(self, dtype, trees=3, depth=3, features=4, targets=2, **words):
        """Full trees whose nodes lie one behind the other, a tree's first its root."""
        nodes = {key: [] for key in ("trueids", "falseids", "trueleafs", "falseleafs", "features", "modes", "splits", "missing")}
        roots, weights, members = [], [], []
        for _ in range(trees):
            first = len(nodes["modes"])
            roots.append(first)
            inner = 2 ** depth - 1
            for i in range(inner):
                for key, child in (("true", 2 * i + 1), ("false", 2 * i + 2)):
                    nodes[key + "leafs"].append(int(child >= inner))
                    nodes[key + "ids"].append(len(weights) if child >= inner else first + child)
                    if child >= inner:
                        weights.append(self.generator.normal())
                mode = int(self.generator.integers(0, 7))
                nodes["modes"].append(mode)
                nodes["features"].append(int(self.generator.integers(0, features)))
                nodes["splits"].append(float(self.generator.integers(-2, 3)))
                nodes["missing"].append(int(self.generator.integers(0, 2)))
                if mode == MEMBER:
                    members += [float(self.generator.integers(-2, 0)), float(self.generator.integers(0, 3)), np.nan]
        return helper.make_node(
            "TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=targets, tree_roots=roots,
            nodes_trueleafs=nodes["trueleafs"], nodes_falseleafs=nodes["falseleafs"], nodes_truenodeids=nodes["trueids"],
            nodes_falsenodeids=nodes["falseids"], nodes_featureids=nodes["features"],
            nodes_modes=numpy_helper.from_array(np.array(nodes["modes"], np.uint8)),
            nodes_splits=numpy_helper.from_array(np.array(nodes["splits"], dtype)),
            nodes_missing_value_tracks_true=nodes["missing"],
            membership_values=numpy_helper.from_array(np.array(members, dtype)),
            leaf_targetids=[int(i) for i in self.generator.integers(0, targets, len(weights))],
            leaf_weights=numpy_helper.from_array(np.array(weights, dtype)), **words)

    def walked(self, node, x):
        """Row by row and tree by tree."""
        words = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        arrays = {key: numpy_helper.to_array(words[key]) for key in ("nodes_modes", "nodes_splits", "leaf_weights", "membership_values")}
        sets, current = [], []
        for value in arrays["membership_values"]:
            if np.isnan(value):
                sets.append(current)
                current = []
            else:
                current.append(value)
        set_of = {int(at): s for at, s in zip(np.flatnonzero(arrays["nodes_modes"] == MEMBER), sets)}
        y = np.zeros((len(x), words["n_targets"]))
        for row, values in enumerate(x):
            for at in words["tree_roots"]:
                leaf = False
                while not leaf:
                    v, split, mode = values[words["nodes_featureids"][at]], arrays["nodes_splits"][at], arrays["nodes_modes"][at]
                    came = {LEQ: v <= split, LT: v < split, GTE: v >= split, GT: v > split, EQ: v == split, NEQ: v != split,
                            MEMBER: v in set_of.get(at, [])}[int(mode)]
                    way = "true" if came or (np.isnan(v) and words["nodes_missing_value_tracks_true"][at]) else "false"
                    leaf, at = words[f"nodes_{way}leafs"][at], words[f"nodes_{way}nodeids"][at]
                y[row, words["leaf_targetids"][at]] += arrays["leaf_weights"][at]
        return y / (len(words["tree_roots"]) if words.get("aggregate_function", 1) == 0 else 1)

    def test_every_comparison_and_missing_values(self):
        for dtype in (np.float32, np.float64):
            for words in ({}, {"aggregate_function": 0}):
                node = self.ensemble(dtype, **words)
                x = self.generator.integers(-3, 4, (40, 4)).astype(dtype)
                x[self.generator.random(x.shape) < 0.1] = np.nan
                self.expect([node], {}, {"x": x}, {"y": self.walked(node, x).astype(dtype)})

    def test_what_does_not_fit_is_refused(self):
        x = np.zeros((2, 4), np.float32)
        for change, message in (({"aggregate_function": 2}, "the least and the greatest"), ({"post_transform": 1}, "post_transform"),
                                ({"n_targets": 1}, "leaf_targetids"), ({"tree_roots": [99]}, "is not there"),
                                ({"nodes_featureids": [0]}, "nodes_featureids is not as long"),
                                ({"membership_values": numpy_helper.from_array(np.array([np.nan], np.float32))}, "membership_values")):
            node = self.ensemble(np.float32)
            kept = [a for a in node.attribute if a.name not in change]
            del node.attribute[:]
            node.attribute.extend(kept + [helper.make_attribute(key, value) for key, value in change.items()])
            self.expect_refused([node], {}, {"x": x}, message)

    def test_a_loop_of_nodes_is_refused(self):
        node = helper.make_node("TreeEnsemble", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, tree_roots=[0], nodes_trueleafs=[0],
                                nodes_falseleafs=[1], nodes_truenodeids=[0], nodes_falsenodeids=[0], nodes_featureids=[0],
                                nodes_modes=numpy_helper.from_array(np.array([0], np.uint8)),
                                nodes_splits=numpy_helper.from_array(np.array([0], np.float32)), leaf_targetids=[0],
                                leaf_weights=numpy_helper.from_array(np.array([1], np.float32)))
        self.expect_refused([node], {}, {"x": np.zeros((2, 4), np.float32)}, "two ways lead to the node 0")


class NGrams(OpTest):
    opsets = {"": 23}
    words = {"ngram_counts": [0, 3, 9], "ngram_indexes": [2, 0, 1, 5, 4, 3, 6], "pool_int64s": [1, 2, 3, 1, 2, 2, 2, 3, 1, 1, 2, 3]}

    def counted(self, x, mode, lengths, skips, weights):
        pool, starts = self.words["pool_int64s"], [*self.words["ngram_counts"], len(self.words["pool_int64s"])]
        grams = [tuple(pool[i:i + n]) for n in (1, 2, 3) for i in range(starts[n - 1], starts[n], n)]
        y = np.zeros(len(grams), np.float32)
        for gram, column, weight in zip(grams, self.words["ngram_indexes"], weights):
            n, count = len(gram), 0
            if lengths[0] <= n <= lengths[1]:
                for distance in range(1, 2 if n == 1 else skips + 2):
                    count += sum(tuple(x[i:i + (n - 1) * distance + 1:distance]) == gram for i in range(len(x) - (n - 1) * distance))
            y[column] = {"TF": count, "IDF": min(count, 1) * weight, "TFIDF": count * weight}[mode]
        return y

    def test_modes_lengths_and_distances(self):
        weights = [0.5, 2.0, 3.0, 4.0, 0.25, 6.0, 7.0]
        for mode in ("TF", "IDF", "TFIDF"):
            for lengths, skips in (((1, 1), 0), ((1, 2), 0), ((2, 3), 2), ((3, 3), 1), ((1, 3), 9)):
                node = helper.make_node("TfIdfVectorizer", ["x"], ["y"], mode=mode, min_gram_length=lengths[0], max_gram_length=lengths[1],
                                        max_skip_count=skips, weights=weights, **self.words)
                for x in (self.generator.integers(1, 4, 12), self.generator.integers(1, 4, (3, 7)).astype(np.int32), np.array([1])):
                    rows = [self.counted(row, mode, lengths, skips, weights) for row in np.atleast_2d(x)]
                    with self.subTest((mode, lengths, skips, x.shape)):
                        self.expect([node], {}, {"x": x}, {"y": np.stack(rows) if x.ndim == 2 else rows[0]})

    def test_what_does_not_fit_is_refused(self):
        for change, message in (({"ngram_counts": [0, 4, 9]}, "ngram_counts does not fit"), ({"ngram_indexes": [0]}, "ngram_indexes"),
                                ({"max_gram_length": 4}, "lengths and skips"), ({"mode": "BM25"}, "mode"), ({"weights": [1.0]}, "weights"),
                                ({"max_skip_count": -1}, "lengths and skips")):
            words = {"mode": "TFIDF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0} | self.words | change
            self.expect_refused([helper.make_node("TfIdfVectorizer", ["x"], ["y"], **words)], {}, {"x": np.arange(5)}, message)


class FlexAttention(OpTest):
    opsets = {"": 26, "ai.onnx.preview": 1}

    def graph(self, op, name, number):
        shape = [TensorProto.FLOAT, ["B", "H", "L", "S"]]
        return helper.make_graph([helper.make_node(op, ["given", "number"], ["result"])], name,
                                 [helper.make_tensor_value_info("given", *shape)], [helper.make_tensor_value_info("result", *shape)],
                                 [numpy_helper.from_array(np.array(number, np.float32), "number")])

    def test_graphs_of_scores_and_probabilities(self):
        q, k, v = self.floats(2, 4, 3, 8), self.floats(2, 2, 5, 8), self.floats(2, 2, 5, 6)
        for words in ({"score_mod": self.graph("Mul", "scores", 3.0)}, {"prob_mod": self.graph("Add", "shares", 0.5)},
                      {"score_mod": self.graph("Mul", "scores", -2.0), "prob_mod": self.graph("Mul", "shares", 0.5), "scale": 0.25}):
            node = helper.make_node("FlexAttention", ["q", "k", "v"], ["y"], domain="ai.onnx.preview", **words)
            inputs = {"q": q, "k": k, "v": v}
            self.expect([node], {}, inputs, {"y": evaluated(node, inputs, self.opsets)})

    def test_two_with_graphs_of_the_same_names(self):
        x = self.floats(1, 2, 3, 4)
        nodes = [helper.make_node("FlexAttention", [a, "x", "x"], [b], domain="ai.onnx.preview", score_mod=self.graph("Mul", "scores", number))
                 for a, b, number in (("x", "h", 3.0), ("h", "y", -1.0))]
        first = helper.make_node("FlexAttention", ["x", "x", "x"], ["y"], domain="ai.onnx.preview", score_mod=self.graph("Mul", "scores", 3.0))
        h = evaluated(first, {"x": x}, self.opsets)
        y = evaluated(nodes[1], {"h": h, "x": x}, self.opsets)
        self.expect(nodes, {}, {"x": x}, {"h": h, "y": y})


class BatchedScan(OpTest):
    opsets = {"": 8}

    def test_sequences_of_a_batch(self):
        body = helper.make_graph([helper.make_node("Add", ["sum", "next"], ["total"]), helper.make_node("Mul", ["total", "next"], ["out"])],
                                 "body", [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("sum", "next")],
                                 [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("total", "out")])
        start, x = self.floats(3, 2), self.floats(3, 4, 2)
        for direction in (0, 1):
            node = helper.make_node("Scan", ["", "start", "x"], ["last", "all"], body=body, num_scan_inputs=1, directions=[direction])
            ordered = x[:, ::-1] if direction else x
            totals = start[:, None] + np.cumsum(ordered, axis=1)
            self.expect([node], {}, {"start": start, "x": x}, {"last": totals[:, -1], "all": totals * ordered})

    def test_lengths_of_sequences_are_refused(self):
        body = helper.make_graph([helper.make_node("Identity", ["next"], ["out"])], "body",
                                 [helper.make_tensor_value_info("next", TensorProto.FLOAT, [2])],
                                 [helper.make_tensor_value_info("out", TensorProto.FLOAT, [2])])
        node = helper.make_node("Scan", ["lengths", "x"], ["y"], body=body, num_scan_inputs=1)
        inputs = {"lengths": np.array([4, 2, 1]), "x": self.floats(3, 4, 2)}
        self.expect_refused([node], {}, inputs, "lengths of its sequences")


class CarriedOptional(OpTest):
    """A Loop that is given an optional sequence and makes a sequence of it."""
    opsets = {"": 16}

    def nodes(self, given):
        sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
        optional = helper.make_optional_type_proto(sequence)

        def branch(name, node, result):
            return helper.make_graph([node], name, [], [helper.make_value_info(result, sequence)])

        body = helper.make_graph(
            [helper.make_node("OptionalHasElement", ["carried"], ["there"]),
             helper.make_node("If", ["there"], ["list"],
                              then_branch=branch("kept", helper.make_node("OptionalGetElement", ["carried"], ["old"]), "old"),
                              else_branch=branch("made", helper.make_node("SequenceConstruct", ["x"], ["new"]), "new")),
             helper.make_node("Add", ["x", "x"], ["twice"]), helper.make_node("SequenceInsert", ["list", "twice"], ["result"]),
             helper.make_node("Identity", ["going"], ["goes_on"])],
            "body", [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("going", TensorProto.BOOL, []),
                     helper.make_value_info("carried", optional)],
            [helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []), helper.make_value_info("result", sequence)])
        first = [helper.make_node("SequenceConstruct", ["x"], ["one"]), helper.make_node("Optional", ["one"], ["start"])] if given else [
            helper.make_node("Optional", [], ["start"], type=sequence)]
        return first + [helper.make_node("Loop", ["times", "", "start"], ["made"], body=body),
                        helper.make_node("SequenceLength", ["made"], ["length"]),
                        helper.make_node("SequenceAt", ["made", "zero"], ["y"])]

    def test_there_or_not(self):
        x = self.floats(3)
        for given in (False, True):
            for times in (1, 4):
                self.expect(self.nodes(given), {"zero": np.array(0)}, {"x": x, "times": np.array(times)},
                            {"y": x, "length": np.array(times + 1)})

    def test_no_step(self):
        x, none = self.floats(3), np.array(0)
        self.expect(self.nodes(True), {"zero": none}, {"x": x, "times": none}, {"y": x, "length": np.array(1)})
        self.expect_refused(self.nodes(False), {"zero": none}, {"x": x, "times": none}, "it ran no step")


if __name__ == "__main__":
    unittest.main()
