"""The golden data of one model: what the float32 oracle says, as tests/golden/*.golden keeps it.

Little endian, every field 4 bytes unless said otherwise; f: float32, i: int32, u: uint32.

    head      u magic "LGLD"   u version   u vocabulary   u prompts P   u fixed ids F   u top K   u greedy G
              u divergence positions D   u ranked R   u drawn S
    fixed     i id[F]
    prompt    u name bytes   u text bytes   u flags (1: special tokens in the text are parsed)   u tokens N
    (P times) name, then text, together padded with zeros to a multiple of 4
              i id[N]
              N times:  f log-sum-exp   i top id[K]   f top logit[K]   f logit of each fixed id[F]
              i greedy id[G]           what follows the prompt
    divergence
              i id[D]
              D times:  f tail mass   i ranked id[R]   f its log-probability[R]   i drawn id[S]   f its log-probability[S]

The divergence part gives the Kullback-Leibler divergence of a run from the oracle without all of the oracle's logits.
Both distributions sum to one, so the divergence is the sum over the vocabulary of p * g(q/p), g(r) = r - 1 - ln r >= 0.
The R likeliest ids are summed exactly; of the tail, S ids were drawn with probability proportional to p (systematic
sampling, seeded), and tail mass * mean g over them is an unbiased estimate of the rest.
"""
import dataclasses
import struct

import numpy as np

MAGIC = int.from_bytes(b"LGLD", "little")
VERSION = 1
PARSE_SPECIAL = 1


@dataclasses.dataclass
class Prompt:
    name: str
    text: str
    parse_special: bool
    ids: np.ndarray           # int32 [tokens]
    log_sum_exp: np.ndarray   # float32 [tokens]
    top_ids: np.ndarray       # int32 [tokens, top]
    top_logits: np.ndarray    # float32 [tokens, top]
    fixed_logits: np.ndarray  # float32 [tokens, fixed]
    greedy: np.ndarray        # int32 [greedy]


@dataclasses.dataclass
class Divergence:
    ids: np.ndarray           # int32 [positions]
    tail_mass: np.ndarray     # float32 [positions]
    ranked_ids: np.ndarray    # int32 [positions, ranked]
    ranked_logp: np.ndarray   # float32 [positions, ranked]
    drawn_ids: np.ndarray     # int32 [positions, drawn]
    drawn_logp: np.ndarray    # float32 [positions, drawn]

    def estimate(self, logits, log_sum_exp):
        """Divergence of a run from the oracle at each position [positions], from the run's logits."""
        def gap(ids, logp):
            log_ratio = np.take_along_axis(logits, ids, axis=-1) - log_sum_exp[:, None] - logp  # ln q/p
            return np.expm1(log_ratio) - log_ratio

        ranked = (np.exp(self.ranked_logp.astype(np.float64)) * gap(self.ranked_ids, self.ranked_logp)).sum(axis=-1)
        return ranked + self.tail_mass * gap(self.drawn_ids, self.drawn_logp).mean(axis=-1)


@dataclasses.dataclass
class Golden:
    vocabulary: int
    fixed_ids: np.ndarray     # int32 [fixed]
    prompts: list
    divergence: Divergence


def summarize(logits, ids, ranked, drawn, seed):
    """The Divergence of the oracle's own logits [positions, vocabulary]."""
    random = np.random.default_rng(seed)
    positions = len(logits)
    out = Divergence(np.asarray(ids, np.int32), np.empty(positions, np.float32),
                     np.empty((positions, ranked), np.int32), np.empty((positions, ranked), np.float32),
                     np.empty((positions, drawn), np.int32), np.empty((positions, drawn), np.float32))
    for position, row in enumerate(logits):
        shifted = row.astype(np.float64) - row.max()
        logp = shifted - np.log(np.exp(shifted).sum())
        order = np.argpartition(-logp, ranked)
        head = order[:ranked][np.argsort(-logp[order[:ranked]], kind="stable")]
        tail = np.sort(order[ranked:])
        mass = np.cumsum(np.exp(logp[tail]))
        marks = (np.arange(drawn) + random.random()) / drawn * mass[-1]
        chosen = tail[np.searchsorted(mass, marks, side="right").clip(max=len(tail) - 1)]
        out.tail_mass[position] = mass[-1]
        out.ranked_ids[position], out.ranked_logp[position] = head, logp[head]
        out.drawn_ids[position], out.drawn_logp[position] = chosen, logp[chosen]
    return out


def write(path, golden):
    first, divergence = golden.prompts[0], golden.divergence
    parts = [struct.pack("<10I", MAGIC, VERSION, golden.vocabulary, len(golden.prompts), len(golden.fixed_ids),
                         first.top_ids.shape[1], len(first.greedy), len(divergence.ids),
                         divergence.ranked_ids.shape[1], divergence.drawn_ids.shape[1]),
             golden.fixed_ids.astype("<i4").tobytes()]
    for prompt in golden.prompts:
        name, text = prompt.name.encode(), prompt.text.encode()
        parts.append(struct.pack("<4I", len(name), len(text), PARSE_SPECIAL * prompt.parse_special, len(prompt.ids)))
        parts.append((name + text).ljust(-(-(len(name) + len(text)) // 4) * 4, b"\0"))
        parts.append(prompt.ids.astype("<i4").tobytes())
        for position in range(len(prompt.ids)):
            parts += [prompt.log_sum_exp[position].astype("<f4").tobytes(),
                      prompt.top_ids[position].astype("<i4").tobytes(),
                      prompt.top_logits[position].astype("<f4").tobytes(),
                      prompt.fixed_logits[position].astype("<f4").tobytes()]
        parts.append(prompt.greedy.astype("<i4").tobytes())
    parts.append(divergence.ids.astype("<i4").tobytes())
    for position in range(len(divergence.ids)):
        parts += [divergence.tail_mass[position].astype("<f4").tobytes(),
                  divergence.ranked_ids[position].astype("<i4").tobytes(),
                  divergence.ranked_logp[position].astype("<f4").tobytes(),
                  divergence.drawn_ids[position].astype("<i4").tobytes(),
                  divergence.drawn_logp[position].astype("<f4").tobytes()]
    with open(path, "wb") as file:
        file.write(b"".join(parts))


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    offset = 0

    def take(kind, *shape):
        nonlocal offset
        count = int(np.prod(shape))
        values = np.frombuffer(data, kind, count, offset).reshape(shape)
        offset += 4 * count
        return values

    magic, version, vocabulary, prompts, fixed, top, greedy, positions, ranked, drawn = map(int, take("<u4", 10))
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"{path}: not golden data of version {VERSION}")
    fixed_ids = take("<i4", fixed)
    out = []
    for _ in range(prompts):
        name_bytes, text_bytes, flags, tokens = map(int, take("<u4", 4))
        name = data[offset:offset + name_bytes].decode()
        text = data[offset + name_bytes:offset + name_bytes + text_bytes].decode()
        offset += -(-(name_bytes + text_bytes) // 4) * 4
        ids = take("<i4", tokens)
        rows = take("<i4", tokens, 1 + 2 * top + fixed)
        real = rows.view("<f4")
        out.append(Prompt(name, text, bool(flags & PARSE_SPECIAL), ids, real[:, 0], rows[:, 1:1 + top],
                          real[:, 1 + top:1 + 2 * top], real[:, 1 + 2 * top:], take("<i4", greedy)))
    ids = take("<i4", positions)
    rows = take("<i4", positions, 1 + 2 * ranked + 2 * drawn)
    real, behind = rows.view("<f4"), 1 + 2 * ranked
    divergence = Divergence(ids, real[:, 0], rows[:, 1:1 + ranked], real[:, 1 + ranked:behind],
                            rows[:, behind:behind + drawn], real[:, behind + drawn:])
    if offset != len(data):
        raise ValueError(f"{path}: {len(data) - offset} bytes behind the end")
    return Golden(vocabulary, fixed_ids, out, divergence)
