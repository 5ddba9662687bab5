// Runs one kernel on one case: arguments as a plan would pass them, guarded and poisoned memory around them.
#pragma once

#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/kernel.h"
#include "tensor/tensor_view.h"

namespace lathe::parity {

struct Tensor {
  Dtype dtype = Dtype::f32;
  Shape dims;
  std::vector<std::byte> bytes;

  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
};

struct Case {
  std::string name;
  std::string_view op;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;             // what they hold before the call: poison
  std::vector<AttributeValue> attributes;  // of programs and texts: AttributeValue::text, as in graphs
  int alias = -1;                          // output 0 is this input, changed in place
};

/// Whether the kernel takes the case, asked as the compiler asks.
bool accepts(const Kernel& kernel, const Case& test);

enum class ThreadOrder { last_first, first_first };

/// The outputs after every thread has done its share, one after another, each with poisoned scratch of its
/// own. Fails the test where the kernel writes beside its outputs or scratch, or changes an input.
std::vector<Tensor> run(const Kernel& kernel, const Case& test, int threads, int variant = 0,
                        ThreadOrder order = ThreadOrder::last_first);

/// Empty where both are equal bit for bit (any NaN equals any NaN), else what differs first.
std::string difference(std::span<const Tensor> a, std::span<const Tensor> b);

/// How far apart the elements of `count` are that are held to a reference, where each takes a whole row: no
/// divisor of it in common, so that all columns come up.
std::int64_t sample_step(std::int64_t count);

/// The portable kernel that `kernel` must agree with: itself, or the one of its name.
const Kernel& portable_of(const Kernel& kernel);

/// All kernels of all levels that this processor has.
std::span<const Kernel> kernels();

// Builders.
using Random = std::mt19937;

Tensor empty(Dtype dtype, Shape dims, std::size_t bytes);  // every byte 0xff: NaN in all float types
Tensor empty(Dtype dtype, Shape dims);
Tensor normal(Random& random, Shape dims, float deviation = 1);
Tensor integers(std::span<const std::int32_t> values, Shape dims);
Tensor integers(Random& random, Shape dims, std::int32_t low, std::int32_t high);

inline AttributeValue integer(std::int64_t value) { return {.integer = value}; }
inline AttributeValue real(double value) { return {.real = value}; }
inline AttributeValue text(const char* value) { return {.text = value}; }

}  // namespace lathe::parity
