"""lathe number: how a number becomes bits, held to ml_dtypes where it is one of its types."""
import json
import unittest

import ml_dtypes
import numpy as np

from program import lathe, out

FORMATS = {"fp32": np.float32, "fp16": np.float16, "bf16": ml_dtypes.bfloat16, "fp8_e4m3": ml_dtypes.float8_e4m3fn,
           "fp8_e5m2": ml_dtypes.float8_e5m2, "fp4_e2m1": ml_dtypes.float4_e2m1fn, "e8m0": ml_dtypes.float8_e8m0fnu}
BLOCKS = ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4")

SIX_AND_A_HALF = """\
6.5 in fp16: 1 sign bit, 5 exponent bits with bias 15, 10 mantissa bits

1 to binary   6.5 = 110.1
                  = 1.101 x 2^2
2 sign        positive: 0
3 exponent    2 + 15 = 17 = 10001
4 mantissa    1010000000
5 together    0 10001 1010000000 = 0x4680

value         6.5
error         0
below         6.49609375  (0 10001 1001111111 = 0x467f)
above         6.50390625  (0 10001 1010000001 = 0x4681)
"""


def number(*words):
    return out("number", *words)


def number_json(*words):
    return json.loads(number(*words, "--json"))


class OneNumber(unittest.TestCase):
    def test_five_steps(self):
        self.assertEqual(number("6.5", "--format", "fp16"), SIX_AND_A_HALF)

    def test_bits_are_read_back(self):
        text = number("0x4680", "--format", "fp16")
        for line in ("0 10001 1010000000", "10001 = 17, 17 - 15 = 2", "1.1010000000 x 2^2 = 110.1 = 6.5"):
            self.assertIn(line, text)
        self.assertIn("118 - 128 = -10", number("0xf6", "--format", "int8"))
        self.assertIn("NaN", number("0x7f", "--format", "fp8_e4m3"))
        self.assertIn("without a leading 1", number("0x0001", "--format", "fp16"))

    def test_what_happens_on_the_way_is_said(self):
        for words, said in ((("2049", "fp16"), "a tie: to the neighbour that ends in 0, down"),
                            (("2051", "fp16"), "a tie: to the neighbour that ends in 0, up"),
                            (("0.1", "fp16"), "1.1001100110|0110011001"),
                            (("0.1", "fp16"), "0.1000000000000000055511151231257827021181583404541015625"),
                            (("2047.9", "fp16"), "carries into the exponent, 0000000000 and 25 + 1 = 26 = 11010"),
                            (("1e-7", "fp16"), "-24 is below -14, the least of fp16: subnormal, 00000"),
                            (("70000", "fp16"), "beyond 65504, the largest number of fp16: overflow to infinity"),
                            (("480", "fp8_e4m3"), "overflow to NaN"),
                            (("7", "fp4_e2m1"), "held to it, as there is no infinity"),
                            (("inf", "fp16"), "0 11111 0000000000 = 0x7c00"),
                            (("-inf", "fp16"), "1 11111 0000000000 = 0xfc00"),
                            (("nan", "bf16"), "1000000, not 0: NaN"),
                            (("nan", "fp4_e2m1"), "has no NaN"),
                            (("-0", "fp16"), "1 00000 0000000000 = 0x8000"),
                            (("0", "e8m0"), "NaN"),
                            (("3", "e8m0"), "to the next power of two: 2 + 127 = 129 = 10000001")):
            with self.subTest(words):
                self.assertIn(said, number(words[0], "--format", words[1]))

    def test_every_outcome_is_that_of_the_reference(self):
        for given in ("6.5", "-0.1", "1e-8", "1e-45", "3.3e38", "448", "465", "6", "0.3", "65519", "65520", "1e30", "0.0078125"):
            for name, kind in FORMATS.items():
                with self.subTest(number=given, format=name):
                    found = number_json(given, "--format", name)["stored"]
                    with np.errstate(all="ignore"):
                        expected = np.array(float(given), np.float64).astype(np.float32).astype(kind)
                    size = f"u{expected.dtype.itemsize}"
                    self.assertEqual(int(found["bits"], 16), int(expected.view(size)))
                    value = float(expected.astype(np.float64))
                    self.assertEqual(found["value"], value if np.isfinite(value) else None)

    def test_neighbours(self):
        found = number_json("1", "--format", "fp16")
        self.assertEqual(found["below"]["value"], float(np.nextafter(np.float16(1), np.float16(0))))
        self.assertEqual(found["above"]["value"], float(np.nextafter(np.float16(1), np.float16(2))))
        self.assertIsNone(number_json("inf", "--format", "fp16")["above"])

    def test_digits_without_end(self):
        """A decimal just above the middle of two halves: a double cannot tell it from the middle, and it is said."""
        text = number("2049." + 60 * "0" + "1", "--format", "fp16")
        self.assertIn("is none of the numbers that 64 bits hold", text)
        self.assertNotIn("64 bits hold", number("0." + 52 * "0" + "1e53", "--format", "fp16"))
        self.assertEqual(number_json("1" + 400 * "0" + "e-400", "--format", "fp16")["stored"]["value"], 1)

    def test_table(self):
        lines = number("6.5").splitlines()
        names = [line.split()[0] for line in lines[1:]]
        self.assertEqual(names[:4], ["fp32", "tf32", "fp16", "bf16"])  # widest first
        self.assertLessEqual({*FORMATS, "int8", "int4"}, {*names})
        self.assertIn("0 10001 1010000000", lines[3])
        values = {row["format"]: row["stored"]["value"] for row in number_json("6.5")}
        self.assertEqual(values["fp16"], 6.5)
        self.assertEqual(values["fp8_e5m2"], 6)
        self.assertEqual(values["e8m0"], 8)
        self.assertIn("has no NaN", number("nan"))


class Codes(unittest.TestCase):
    def test_scale_and_zero_point(self):
        text = number("-0.37", "--format", "int8", "--scale", "0.01", "--zero", "-3")
        self.assertIn("-0.37 / 0.01 = -37", text)
        self.assertIn("1 1011000 = 0xd8", text)
        found = number_json("-0.37", "--format", "int8", "--scale", "0.01", "--zero", "-3")
        self.assertEqual((found["code"], found["zero_point"]), (-40, -3))
        self.assertAlmostEqual(found["value"], -0.37)

    def test_the_range_holds(self):
        self.assertIn("held to 127", number("300", "--format", "int8"))
        self.assertIn("held to -8", number("-1", "--format", "int4", "--scale", "0.1"))
        self.assertIn("a tie: to the even one", number("2.5", "--format", "int4"))

    def test_list_with_scales_of_its_own(self):
        values = [0.1, 0.5, -2, 7]
        for kind in ("--symmetric", "--asymmetric"):
            found = number_json(",".join(map(str, values)), "--format", "int8", kind, "--group", "2")
            self.assertEqual(len(found["groups"]), 2)
            for i, (code, back) in enumerate(zip(found["codes"], found["values"])):
                group = found["groups"][i // 2]
                self.assertAlmostEqual(group["scale"] * (code - group["zero_point"]), back, places=5)
                self.assertLessEqual(abs(back - values[i]), group["scale"] * 0.5001)
            noise = sum((np.float32(a) - b)**2 for a, b in zip(values, found["values"]))
            self.assertAlmostEqual(found["sqnr"], 10 * np.log10(sum(v * v for v in values) / noise), places=2)
        self.assertIn("SQNR", number("1,2,3", "--format", "int4"))


class Blocks(unittest.TestCase):
    def test_every_format_comes_back_near(self):
        random = np.random.default_rng(3)
        values = random.normal(size=256).astype(np.float32)
        for name in BLOCKS:
            with self.subTest(name):
                found = number_json(",".join(map(str, values)), "--format", name)
                self.assertEqual(len(found["codes"]), 256)
                self.assertGreater(found["sqnr"], 8)
                for group in found["groups"]:
                    for i in range(group["first"], group["first"] + group["count"]):
                        self.assertAlmostEqual(group["scale"] * found["codes"][i] + group["minimum"], found["values"][i], places=5)

    def test_values_are_repeated_to_a_block(self):
        text = number("0.1,0.5,-2", "--format", "q4_0")
        self.assertIn("32 values in q4_0: 4.5 bits a value", text)
        self.assertIn("(3 were given and are repeated)", text)
        self.assertRegex(text, r"block 0: scale \S+ \(fp16: \d \d{5} \d{10} = 0x")
        self.assertIn("e8m0", number("1", "--format", "mxfp4"))

    def test_numbers_from_stdin(self):
        text = out("number", "-", "--format", "q8_0", stdin="1 2\n3, 4\n")
        self.assertIn("(4 were given and are repeated)", text)


class WrongWords(unittest.TestCase):
    def test_are_named(self):
        for words, said in (((), "VALUES"), (("abc",), "abc"), (("1e400",), "1e400"), (("1,,2", "--format", "q4_0"), "comma"),
                            (("1,", "--format", "fp16"), "comma"), (("1,2",), "--format"), (("0x46",), "--format"),
                            (("0x", "--format", "fp16"), "0x"), (("0x10000", "--format", "fp16"), "16 bits"),
                            (("1", "--format", "fq"), "fq"), (("nan,1", "--format", "q8_0"), "value 0 is NaN"),
                            (("1,inf", "--format", "int8"), "value 1 is infinite"),
                            (("1", "--format", "fp16", "--scale", "2"), "fp16"),
                            (("1", "--format", "q4_0", "--scale", "2"), "q4_0"),
                            (("1", "--format", "int8", "--scale", "0"), "above 0"),
                            (("1", "--format", "int8", "--zero", "200"), "zero point"),
                            (("1", "--format", "int8", "--zero", "x"), "--zero"),
                            (("1,2", "--format", "int8", "--symmetric", "--asymmetric"), "exclude"),
                            (("1,2", "--format", "int8", "--group", "0"), "group"),
                            (("1,2", "--format", "fp16", "--group", "2"), "int2"),
                            (("1", "--scale", "2"), "--format"), (("1", "2"), "2"), (("1", "--bogus"), "--bogus")):
            with self.subTest(words):
                stdout, errors = lathe("number", *words, status=2)
                self.assertEqual(stdout, "")
                self.assertTrue(errors.startswith("lathe: "), errors)
                self.assertIn(said, errors)


if __name__ == "__main__":
    unittest.main()
