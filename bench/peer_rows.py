"""The rows of compare_peers.py: what is measured, and the floors that it is held to."""
import dataclasses

TYPES = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4")
BELOW_FOUR_BITS = ("Q2_K", "Q3_K")
LLAMA, OPENVINO = "llama.cpp", "OpenVINO"
ONE_THREAD, FASTEST = "one thread", "the fastest type"  # what else a rate is divided by
BANDWIDTH, COSINE = "bandwidth", "cosine"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    sitting: str             # what is measured alternately; compare_peers.py has a function for each
    test: str                # its name in the sitting
    floors: dict             # least ratio to a peer or to another figure, least share of bandwidth, least cosine
    reference: float = 0     # the rate on the machine that the floors were set on; not a floor
    unit: str = "tokens/s"


def _large_model_rows():
    for kind, floor in (("Q4_0", 2.1), ("Q4_K_M", 2.1), ("Q8_0", 2.5)):
        sitting = f"1.2B {kind}"
        yield Row(f"1.2b-{kind}-pp512", f"{sitting}, prompt of 512", sitting, "pp512", {LLAMA: floor})
        yield Row(f"1.2b-{kind}-tg64", f"{sitting}, generating", sitting, "tg64", {LLAMA: 1.0, BANDWIDTH: 0.9})


def _type_rows():
    for kind in TYPES:
        yield Row(f"types-{kind}-pp512", f"1.2B all {kind}, prompt of 512", "types", f"pp512 {kind}", {FASTEST: 0.8})
        yield Row(f"types-{kind}-tg64", f"1.2B all {kind}, generating", "types", f"tg64 {kind}",
                  {} if kind in BELOW_FOUR_BITS else {BANDWIDTH: 0.7})


ROWS = [
    Row("smollm2-pp512", "SmolLM2 Q4_1, prompt of 512", "smollm2", "pp512", {LLAMA: 7.5, OPENVINO: 1.35}, 2200),
    Row("smollm2-tg128", "SmolLM2 Q4_1, generating", "smollm2", "tg128", {LLAMA: 1.8, BANDWIDTH: 0.7}, 230),
    Row("gemma3-pp512", "Gemma 3 270M Q4_K_M, prompt of 512", "gemma3-270m", "pp512", {LLAMA: 4.0}, 2300),
    Row("gemma3-tg128", "Gemma 3 270M Q4_K_M, generating", "gemma3-270m", "tg128", {LLAMA: 1.5, BANDWIDTH: 0.85}, 105),
    *_large_model_rows(),
    Row("long-pp4096", "SmolLM2, prompt of 4,096", "long", "pp4096", {LLAMA: 6.0}, 960),
    Row("long-tg64", "SmolLM2, generating behind 4,096", "long", "tg64 @ d4096", {LLAMA: 2.0}, 100),
    Row("sequences-8", "SmolLM2, generating 8 sequences", "sequences", "tg64 @ d128 x 8", {LLAMA: 4.5}, 950),
    Row("sequences-32", "SmolLM2, generating 32 sequences", "sequences", "tg64 @ d128 x 32", {LLAMA: 5.0}, 1250),
    *_type_rows(),
    Row("minilm-64", "minilm, 64 sentences of 20 tokens", "minilm", "emb20 x 64", {OPENVINO: 1.3}, 1070, "sentences/s"),
    Row("minilm-1", "minilm, one sentence of 20 tokens", "minilm", "emb20", {OPENVINO: 1.5}, 330, "sentences/s"),
    Row("minilm-cosine", "minilm in int8 against float32", "minilm", "cosine", {COSINE: 0.999}, 0, "least cosine"),
    Row("threads-smollm2", "SmolLM2, prompt of 512, 2 threads", "threads smollm2", "pp512", {ONE_THREAD: 1.85}),
    Row("threads-1.2b", "1.2B Q4_0, prompt of 512, 2 threads", "threads 1.2B", "pp512", {ONE_THREAD: 1.85}),
    Row("avx2-pp512", "SmolLM2, AVX2 alone, prompt of 512", "avx2", "pp512", {LLAMA: 1.5}),
    Row("avx2-tg128", "SmolLM2, AVX2 alone, generating", "avx2", "tg128", {LLAMA: 1.2}),
]
