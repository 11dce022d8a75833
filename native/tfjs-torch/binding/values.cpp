#include "values.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace spikescope::training {

uint32_t read_number(const Napi::Value& value, const char* what) {
  TORCH_CHECK(value.IsNumber(), what, " is not a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  TORCH_CHECK(number >= 0 && number <= std::numeric_limits<uint32_t>::max() && number == std::floor(number), what,
              " is not an unsigned integer: ", number);
  return static_cast<uint32_t>(number);
}

std::vector<double> read_numbers(const Napi::Value& value, const char* what) {
  TORCH_CHECK(value.IsArray(), what, " is not an array");
  const auto array = value.As<Napi::Array>();
  std::vector<double> numbers(array.Length());
  for (uint32_t i = 0; i < numbers.size(); i++) {
    const Napi::Value entry = array[i];
    TORCH_CHECK(entry.IsNumber(), what, " holds something that is not a number");
    numbers[i] = entry.As<Napi::Number>().DoubleValue();
  }
  return numbers;
}

std::vector<uint32_t> read_handles(const Napi::Value& value) {
  TORCH_CHECK(value.IsArray(), "inputs is not an array");
  const auto array = value.As<Napi::Array>();
  std::vector<uint32_t> handles(array.Length());
  for (uint32_t i = 0; i < handles.size(); i++) handles[i] = read_number(array[i], "a tensor");
  return handles;
}

namespace {

at::ScalarType scalar_type(napi_typedarray_type type) {
  switch (type) {
    case napi_float32_array: return at::kFloat;
    case napi_int32_array: return at::kInt;
    case napi_uint8_array: return at::kBool;
    default: break;
  }
  TORCH_CHECK(false, "values are neither a Float32Array nor an Int32Array nor a Uint8Array");
}

}  // namespace

at::Tensor read_tensor(const Napi::Value& values, const Napi::Value& shape) {
  TORCH_CHECK(values.IsTypedArray(), "values is not a typed array");
  const auto array = values.As<Napi::TypedArray>();
  std::vector<int64_t> sizes;
  for (const double extent : read_numbers(shape, "shape")) {
    TORCH_CHECK(extent >= 0 && extent <= std::numeric_limits<int32_t>::max() && extent == std::floor(extent), "shape holds ", extent);
    sizes.push_back(static_cast<int64_t>(extent));
  }
  const int64_t size = c10::multiply_integers(sizes);
  TORCH_CHECK(static_cast<size_t>(size) == array.ElementLength(), "shape asks for ", size, " values but ", array.ElementLength(), " came");
  const at::Tensor tensor = at::empty(sizes, scalar_type(array.TypedArrayType()));
  const auto* bytes = static_cast<const uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  if (tensor.scalar_type() == at::kBool) {
    bool* target = tensor.data_ptr<bool>();
    for (int64_t i = 0; i < size; i++) target[i] = bytes[i] != 0;
  } else if (size > 0) {
    std::memcpy(tensor.data_ptr(), bytes, tensor.nbytes());
  }
  return tensor;
}

Napi::Value write_tensor(Napi::Env env, const at::Tensor& tensor) {
  const auto size = static_cast<size_t>(tensor.numel());
  auto buffer = Napi::ArrayBuffer::New(env, tensor.nbytes());
  if (size > 0) std::memcpy(buffer.Data(), tensor.data_ptr(), tensor.nbytes());
  switch (tensor.scalar_type()) {
    case at::kFloat: return Napi::Float32Array::New(env, size, buffer, 0);
    case at::kInt: return Napi::Int32Array::New(env, size, buffer, 0);
    default: return Napi::Uint8Array::New(env, size, buffer, 0);
  }
}

at::Tensor as_stored(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kInt:
    case at::kBool: return tensor.contiguous();
    case at::kLong: return tensor.to(at::kInt).contiguous();
    case at::kDouble: return tensor.to(at::kFloat).contiguous();
    default: break;
  }
  TORCH_CHECK(false, "a kernel gave a tensor of type ", tensor.scalar_type());
}

}  // namespace spikescope::training
