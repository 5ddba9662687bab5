"""lathe tokens: text to ids and back."""
import json
import time
import unittest

from program import MODEL_WITHOUT_TEMPLATE, lathe, out


class Tokens(unittest.TestCase):
    def test_prints_a_json_array(self):
        self.assertEqual(out("tokens", "Hello"), "[19556]\n")

    def test_round_trip(self):
        for model in ("smollm2", MODEL_WITHOUT_TEMPLATE):
            for text in ("Hello world", " two  spaces ", "naïve 天空 😀👍🏽", "a\n\n\tb", "-", "--x"):
                with self.subTest(model=model, text=text):
                    ids = out("tokens", "-m", model, "-", "--no-bos", stdin=text)
                    self.assertEqual(out("tokens", "-m", model, "--decode", ids), text + "\n")

    def test_bos_where_the_model_wants_it(self):
        self.assertEqual(json.loads(out("tokens", "-m", MODEL_WITHOUT_TEMPLATE, "Hello"))[0], 2)
        self.assertNotIn(2, json.loads(out("tokens", "-m", MODEL_WITHOUT_TEMPLATE, "--no-bos", "Hello")))

    def test_control_tokens_only_where_asked_for(self):
        self.assertNotIn(2, json.loads(out("tokens", "a<|im_end|>")))
        self.assertIn(2, json.loads(out("tokens", "--special", "a<|im_end|>")))
        self.assertEqual(out("tokens", "--decode", "[19556, 2]"), "Hello\n")
        self.assertEqual(out("tokens", "--decode", "--special", "19556,2"), "Hello<|im_end|>\n")

    def test_half_a_mebibyte_without_a_space(self):
        """Quadratic time would be minutes."""
        for model in ("smollm2", MODEL_WITHOUT_TEMPLATE, "minilm"):
            for character in "a7 \n'é":
                with self.subTest(model=model, character=character):
                    start = time.monotonic()
                    self.assertTrue(json.loads(out("tokens", "-m", model, "-", stdin=character * (1 << 19))))
                    self.assertLess(time.monotonic() - start, 5)

    def test_wrong_ids(self):
        for ids in ("[1, 2", "1, 2]", "[1,,2]", "1.5", "one", "[1] 2", "99999999999", "-1", "49152", "[[1]]", ","):
            with self.subTest(ids):
                stdout, errors = lathe("tokens", f"--decode", "-", stdin=ids, status=2)
                self.assertEqual(stdout, "")
                self.assertTrue(errors.startswith("lathe: "))

    def test_no_ids_are_no_text(self):
        self.assertEqual(out("tokens", "--decode", "[]"), "\n")


if __name__ == "__main__":
    unittest.main()
