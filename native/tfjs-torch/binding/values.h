#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <vector>

/** Readers and writers of JavaScript values. Readers check type and range and throw c10::Error. */
namespace spikescope::training {

uint32_t read_number(const Napi::Value& value, const char* what);
std::vector<double> read_numbers(const Napi::Value& value, const char* what);
std::vector<uint32_t> read_handles(const Napi::Value& value);

/** A copy of a Float32Array (float32), Int32Array (int32) or Uint8Array (bool) in the given shape. */
at::Tensor read_tensor(const Napi::Value& values, const Napi::Value& shape);

/** A copy of a tensor's values in the typed array of its type. */
Napi::Value write_tensor(Napi::Env env, const at::Tensor& tensor);

/** Dense, and of one of the three types that tfjs knows. */
at::Tensor as_stored(const at::Tensor& tensor);

}  // namespace spikescope::training
