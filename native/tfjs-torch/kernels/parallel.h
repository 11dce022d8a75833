#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

/** A loop compiled for several instruction sets; the loader picks the best one of the processor. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SPIKESCOPE_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SPIKESCOPE_VECTORISED
#endif

namespace spikescope::training {

/** Fewest values that are worth a thread of their own. */
constexpr int64_t kGrain = 16384;

/** Values of a dense float tensor; anything else is a mistake of the caller that is named. */
inline const float* floats(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous(), "expected a dense float32 tensor");
  return tensor.data_ptr<float>();
}

inline float* mutable_floats(const at::Tensor& tensor) {
  return const_cast<float*>(floats(tensor));
}

}  // namespace spikescope::training
