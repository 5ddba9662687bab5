"""A Llama of random float32 weights as a GGUF file, wide enough for blocks of 256: what quantizing is tried on."""
import gguf
import numpy as np

WIDTH, FFN, LAYERS, VOCABULARY, HEADS = 256, 256, 8, 64, 4


def tensors(width=WIDTH, ffn=FFN, layers=LAYERS, seed=3):
    generator = np.random.default_rng(seed)

    def matrix(rows, columns):
        return (generator.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    found = {"token_embd.weight": matrix(VOCABULARY, width), "output_norm.weight": np.ones(width, np.float32),
             "output.weight": matrix(VOCABULARY, width)}
    for layer in range(layers):
        start = f"blk.{layer}."
        found[start + "attn_norm.weight"] = np.ones(width, np.float32)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            found[start + name + ".weight"] = matrix(width, width)
        found[start + "ffn_norm.weight"] = np.ones(width, np.float32)
        for name, shape in (("ffn_gate", (ffn, width)), ("ffn_up", (ffn, width)), ("ffn_down", (width, ffn))):
            found[start + name + ".weight"] = matrix(*shape)
    return found


def write(path, made, width=WIDTH, ffn=FFN, layers=LAYERS, heads=HEADS, edit=None):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(layers)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")
    if edit:
        edit(writer)
    for name, values in made.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
