// What callers choose: how a model is loaded, and how an answer is made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lathe {

struct ModelOptions {
  int threads = 0;               // 0: one per core
  int context_tokens = 0;        // 0: the model's own, at most 8192
  std::string kv = "";           // "f32", "f16", "bf16", "off"; "": bf16, or f32 with math "f32"
  std::string math = "int8";     // "int8": dot products in 8 bits or bf16; "f32": float32 throughout
  std::string activations = "";  // codes of 8-bit products have scales per "32" values or more: "256", "row";
                                 // "static": known ahead, from the values of a calibration text; "": per 32,
                                 // and columns that need it, by that text, have codes of 16 bits
  double activation_limit = 0;   // of the error of an input's codes (root of the share of the squares): as
                                // many columns as it takes have 16 bits, and where that is not enough the
                                // product is computed in float32; 0: the compiler's own; needs calibration
  std::string weight_type = "";  // matrices become "q8", "q4", "bf16" or "f32"; "": as stored
  std::string device = "cpu";
  int step_tokens = 512;                     // prompts are computed in chunks of at most this many
  int sequences = 8;                         // answers in progress at once
  int cache_tokens = 0;                      // that all of them and kept prefixes share; 0: one context
  std::vector<std::string> disabled_passes;  // by name, see `lathe inspect --passes`
  int tuning = 1;  // how kernels are chosen: 0 the first that accepts, 1 by rule, 2 the best few measured,
                   // 3 all kernels, 4 all tiles too, 5 also end to end
  std::string timing_cache;          // file of what tuning measured, read and added to; "": none
  bool fail_on_timing_miss = false;  // what the cache lacks is an error instead of a measurement
  bool pack_weights = true;   // false: weights are read as they lie in the file, where a kernel does that
  bool reuse_memory = true;   // false: every intermediate tensor has memory of its own
  bool fetch = true;          // known names are downloaded when missing or cut off
  bool show_fetch = false;    // the download may write its progress and its complaints to stderr
  bool strict = false;        // bytes behind the last tensor of a file are an error, not a warning
  bool check_weights = true;  // NaN and infinite weights are looked for, and refused
  bool plan_cache = false;    // what is compiled is kept for the next time, in a folder (docs/compiler.md)
  bool weights = true;        // false: metadata, tokenizer and template alone; whatever computes throws
};

struct Sampling {
  double temperature = 0.0;  // 0: greedy
  int top_k = 0;             // 0: all
  double top_p = 1.0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  int penalty_window = 64;  // tokens that penalties look back at
  std::uint64_t seed = 0;   // the same seed gives the same text
};

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

/// Exactly one of prompt, messages and ids is given.
struct Request {
  std::string prompt;             // plain text to complete (BOS is added where the model wants it)
  std::vector<Message> messages;  // rendered with the model's chat template
  std::vector<std::int32_t> ids;
  bool parse_special = false;  // control tokens written in `prompt` become their ids
  Sampling sampling;
  int max_tokens = 0;             // 0: until the model ends or the context is full
  std::vector<std::string> stop;  // at most 16 texts of 1 to 256 bytes
  bool ignore_end = false;        // go on behind end tokens
};

}  // namespace lathe
