#include "values.h"

#include <cmath>

#include "../engine/fault.h"

namespace spikescope::binding {
namespace {

[[noreturn]] void fail(const Place& place, const std::string& rule) {
  throw Fault("GRAPH_INVALID", rule, place.node, place.field);
}

template <typename Element>
std::vector<Element> read_elements(const Napi::Value& value, napi_typedarray_type type, const char* name,
                                   const Place& place) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    fail(place, std::string("expected an ") + name);
  }
  const auto array = value.As<Napi::TypedArrayOf<Element>>();
  const size_t length = array.ElementLength();
  if (length == 0) return {};
  return std::vector<Element>(array.Data(), array.Data() + length);
}

}  // namespace

Napi::Object read_object(const Napi::Object& parent, const char* key, const std::string& node) {
  const Napi::Value value = parent.Get(key);
  if (!value.IsObject()) fail({node, key}, "expected an object");
  return value.As<Napi::Object>();
}

int64_t read_integer(const Napi::Value& value, int64_t minimum, int64_t maximum, const Place& place) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
      std::floor(number) != number) {
    fail(place, "expected an integer in " + std::to_string(minimum) + "…" + std::to_string(maximum));
  }
  return static_cast<int64_t>(number);
}

double read_positive(const Napi::Value& value, const Place& place) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!std::isfinite(number) || number <= 0) fail(place, "expected a positive number");
  return number;
}

std::string read_string(const Napi::Value& value, const Place& place) {
  if (!value.IsString()) fail(place, "expected a string");
  return value.As<Napi::String>().Utf8Value();
}

Napi::Array read_array(const Napi::Value& value, const Place& place) {
  if (!value.IsArray()) fail(place, "expected an array");
  return value.As<Napi::Array>();
}

std::vector<int8_t> read_int8(const Napi::Value& value, const Place& place) {
  return read_elements<int8_t>(value, napi_int8_array, "Int8Array", place);
}

std::vector<uint8_t> read_uint8(const Napi::Value& value, const Place& place) {
  return read_elements<uint8_t>(value, napi_uint8_array, "Uint8Array", place);
}

std::vector<int16_t> read_int16(const Napi::Value& value, const Place& place) {
  return read_elements<int16_t>(value, napi_int16_array, "Int16Array", place);
}

std::vector<int32_t> read_int32(const Napi::Value& value, const Place& place) {
  return read_elements<int32_t>(value, napi_int32_array, "Int32Array", place);
}

Bytes read_bytes(const Napi::Value& value, const char* code, const std::string& field) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Fault(code, "expected a Uint8Array", "", field);
  }
  const auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

}  // namespace spikescope::binding
