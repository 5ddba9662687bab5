"""A llama in every block type of GGUF: all of its matrices and its embedding as random blocks.

With --math f32 the file gives the logits of the same weights decoded by the gguf package, bit for bit: embedding rows and
matrices are decoded exactly. With 8-bit integers it comes as close to that as the activations' codes allow.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

import gguf
import numpy as np

LATHE = pathlib.Path(os.environ["LATHE_BINARY_DIR"]) / "lathe"
WIDTH, HIDDEN, VOCABULARY, LAYERS = 256, 512, 320, 2
SHAPES = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH // 2, WIDTH), "attn_v": (WIDTH // 2, WIDTH),
          "attn_output": (WIDTH, WIDTH), "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN)}
# Offsets of the f16 factors; a second one is so many times the first that values lie around zero.
FACTORS = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "MXFP4": [],
           "IQ4_XS": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
SECOND = {"Q4_1": -7.5, "Q5_1": -15.5, "Q2_K": 1.5, "Q4_K": 7.5, "Q5_K": 15.5}


def with_scale(blocks, name, scale):
    if name == "MXFP4":
        blocks[..., 0] = 127 + round(np.log2(scale))
    for offset, factor in zip(FACTORS[name], (scale, scale * SECOND.get(name, 0))):
        blocks[..., offset:offset + 2] = np.array([factor], np.float16).view(np.uint8)
    return blocks


def random_matrix(random, name, rows, columns):
    """Rows of raw blocks whose values have about the deviation columns ** -0.5."""
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows, columns // elements, size), np.uint8)
    flat = with_scale(blocks, name, 1.0).reshape(rows, -1)
    deviation = gguf.quants.dequantize(flat, kind).std()
    return with_scale(blocks, name, columns ** -0.5 / deviation).reshape(rows, -1)


def write(path, name, tensors):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // 4)
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in plain] + [chr(256 + i) for i in range(256 - len(plain))]
    tokens = (letters + [a + b for a in letters[:8] for b in letters[:8]])[:VOCABULARY]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * VOCABULARY)
    writer.add_token_merges([f"{token[0]} {token[1]}" for token in tokens if len(token) == 2])
    ones = np.ones(WIDTH, np.float32)
    for tensor in ["output_norm", *(f"blk.{i}.{norm}" for i in range(LAYERS) for norm in ("attn_norm", "ffn_norm"))]:
        writer.add_tensor(f"{tensor}.weight", ones)
    kind = gguf.GGMLQuantizationType[name]
    for tensor, values in tensors.items():
        writer.add_tensor(f"{tensor}.weight", values, raw_dtype=None if name == "F32" else kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits(model, *words):
    ids = ",".join(str(i * 37 % VOCABULARY) for i in range(40))
    output = model.with_suffix(".npy")
    subprocess.run([LATHE, "logits", "-m", model, "--ids", ids, "-o", output, *words], check=True)
    return np.load(output)


class BlockTypes(unittest.TestCase):
    def test_every_type(self):
        random = np.random.default_rng(20240610)
        for name in FACTORS:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                kind = gguf.GGMLQuantizationType[name]
                shapes = {f"blk.{i}.{matrix}": shape for i in range(LAYERS) for matrix, shape in SHAPES.items()}
                shapes |= {"token_embd": (VOCABULARY, WIDTH), "output": (VOCABULARY, WIDTH)}
                raw = {tensor: random_matrix(random, name, *shape) for tensor, shape in shapes.items()}
                decoded = {tensor: gguf.quants.dequantize(blocks, kind) for tensor, blocks in raw.items()}
                stored, floats = pathlib.Path(folder) / "stored.gguf", pathlib.Path(folder) / "floats.gguf"
                write(stored, name, raw)
                write(floats, "F32", decoded)
                exact = logits(floats, "--math", "f32")
                self.assertGreater(exact.std(), 0.1)
                self.assertEqual(logits(stored, "--math", "f32").tobytes(), exact.tobytes())
                error = np.linalg.norm(logits(stored) - exact) / np.linalg.norm(exact)
                self.assertGreater(error, 1e-5)  # the integers were used
                self.assertLess(error, 0.03)
                print(f"{name}: relative error of 8-bit integers {error:.4f}")


if __name__ == "__main__":
    unittest.main()
