#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

#include "../views/view.h"

/** Readers of JavaScript values; each throws a TypeError that names the argument. */
namespace spikescope::binding {

[[noreturn]] void refuse(Napi::Env env, const std::string& argument, const std::string& expected);

template <typename Element>
Napi::TypedArrayOf<Element> read_array(const Napi::Value& value, napi_typedarray_type type, const char* argument) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse(value.Env(), argument, "a typed array of its type");
  }
  return value.As<Napi::TypedArrayOf<Element>>();
}

int64_t read_integer(Napi::Env env, double number, int64_t minimum, int64_t maximum, const char* argument);

}  // namespace spikescope::binding
