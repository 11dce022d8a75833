#include <ATen/ATen.h>

#include <cmath>

#include "kernel.h"
#include "parallel.h"

namespace spikescope::training {
namespace {

/** What one update of one parameter multiplies by. */
struct Factors {
  float keep_parameter, learning_rate;
  float beta1, one_minus_beta1, beta2, one_minus_beta2;
  float correction1, correction2;
  float epsilon, keep_average, one_minus_keep_average;
};

struct Slot {
  const float *parameter, *first, *second, *average, *gradient;
  float *new_parameter, *new_first, *new_second, *new_average;
};

SPIKESCOPE_VECTORISED
void update(const Slot& slot, int64_t begin, int64_t end, const Factors& f) {
  const float* __restrict parameter = slot.parameter;
  const float* __restrict first = slot.first;
  const float* __restrict second = slot.second;
  const float* __restrict average = slot.average;
  const float* __restrict gradient = slot.gradient;
  float* __restrict new_parameter = slot.new_parameter;
  float* __restrict new_first = slot.new_first;
  float* __restrict new_second = slot.new_second;
  float* __restrict new_average = slot.new_average;
  for (int64_t i = begin; i < end; i++) {
    const float g = gradient[i];
    const float m = f.beta1 * first[i] + f.one_minus_beta1 * g;
    const float v = f.beta2 * second[i] + f.one_minus_beta2 * g * g;
    const float direction = (m / f.correction1) / (std::sqrt(v / f.correction2) + f.epsilon);
    const float p = parameter[i] * f.keep_parameter - f.learning_rate * direction;
    new_first[i] = m;
    new_second[i] = v;
    new_parameter[i] = p;
    new_average[i] = f.keep_average * average[i] + f.one_minus_keep_average * p;
  }
}

/** Of each slot: parameter, first moment, second moment, average, gradient → the first four, updated. */
Tensors adamw(Inputs in, Attributes& attributes) {
  const double step = attributes.number();
  const double learning_rate = attributes.number();
  const double beta1 = attributes.number();
  const double beta2 = attributes.number();
  const double epsilon = attributes.number();
  const double keep_average = attributes.number();
  TORCH_CHECK(step >= 1, "steps are counted from 1");
  TORCH_CHECK(in.size() % 5 == 0, "five tensors per slot");
  Tensors updated;
  for (size_t at = 0; at < in.size(); at += 5) {
    const double weight_decay = attributes.number();
    const Factors factors{
        static_cast<float>(1 - learning_rate * weight_decay), static_cast<float>(learning_rate),
        static_cast<float>(beta1), static_cast<float>(1 - beta1), static_cast<float>(beta2), static_cast<float>(1 - beta2),
        static_cast<float>(1 - std::pow(beta1, step)), static_cast<float>(1 - std::pow(beta2, step)),
        static_cast<float>(epsilon), static_cast<float>(keep_average), static_cast<float>(1 - keep_average)};
    for (size_t i = 1; i < 5; i++) TORCH_CHECK(in[at + i].sizes() == in[at].sizes(), "a slot's tensors differ in shape");
    for (int i = 0; i < 4; i++) updated.push_back(at::empty_like(in[at]));
    const Tensor* fresh = updated.end() - 4;
    const Slot slot{floats(in[at]),          floats(in[at + 1]),      floats(in[at + 2]),
                    floats(in[at + 3]),      floats(in[at + 4]),      mutable_floats(fresh[0]),
                    mutable_floats(fresh[1]), mutable_floats(fresh[2]), mutable_floats(fresh[3])};
    at::parallel_for(0, in[at].numel(), kGrain, [&](int64_t begin, int64_t end) { update(slot, begin, end, factors); });
  }
  return updated;
}

}  // namespace

void add_adamw_kernels(Registry& registry) { registry.push_back({"SpikescopeAdamW", at_least(5), adamw}); }

}  // namespace spikescope::training
