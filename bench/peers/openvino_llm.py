#!/usr/bin/env python3
"""OpenVINO GenAI on a GGUF file: tokens a second of a prompt and of generating, the work of llama-bench's pp and tg.

    openvino_llm.py MODEL.gguf [-p 512] [-n 128] [--threads 2] [-r 3]

Prints JSON, {"pp512": [...], "tg128": [...]}. A first run of each warms up and is not counted. Needs openvino-genai.
"""
import argparse
import json

import numpy as np
import openvino
import openvino_genai


def ids(values):
    tensor = openvino.Tensor(np.array([values], np.int64))
    return openvino_genai.TokenizedInputs(tensor, openvino.Tensor(np.ones(tensor.shape, np.int64)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.gguf")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--generate", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-r", "--repeat", type=int, default=3)
    options = parser.parse_args()
    pipeline = openvino_genai.LLMPipeline(options.model, "CPU", INFERENCE_NUM_THREADS=options.threads)

    def metrics(values, tokens):
        return pipeline.generate(ids(values), max_new_tokens=tokens, min_new_tokens=tokens, ignore_eos=True,
                                 do_sample=False).perf_metrics

    prompt = np.random.default_rng(0).integers(100, 40000, options.prompt)
    prompt_rates, rates = [], []
    for _ in range(options.repeat + 1):
        # Milliseconds to the first token, which is the prompt's step, and of each one behind it.
        prompt_rates.append(1e3 * options.prompt / metrics(prompt, 1).get_ttft().mean)
        rates.append(1e3 / metrics([1000], options.generate + 1).get_tpot().mean)
    print(json.dumps({f"pp{options.prompt}": prompt_rates[1:], f"tg{options.generate}": rates[1:]}))


if __name__ == "__main__":
    main()
