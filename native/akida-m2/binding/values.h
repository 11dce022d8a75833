#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../engine/graph.h"

/** Readers of JavaScript values. Each checks type and range and throws Fault GRAPH_INVALID naming node and field. */
namespace spikescope::binding {

/** Where in a graph a value stands, for messages. */
struct Place {
  std::string node;
  std::string field;
};

Napi::Object read_object(const Napi::Object& parent, const char* key, const std::string& node);
int64_t read_integer(const Napi::Value& value, int64_t minimum, int64_t maximum, const Place& place);
double read_positive(const Napi::Value& value, const Place& place);
std::string read_string(const Napi::Value& value, const Place& place);
Napi::Array read_array(const Napi::Value& value, const Place& place);

/** A typed array of exactly the element type asked for, copied. */
std::vector<int8_t> read_int8(const Napi::Value& value, const Place& place);
std::vector<uint8_t> read_uint8(const Napi::Value& value, const Place& place);
std::vector<int16_t> read_int16(const Napi::Value& value, const Place& place);
std::vector<int32_t> read_int32(const Napi::Value& value, const Place& place);

/** Bytes of a Uint8Array, not copied; valid only until JavaScript runs again. Throws Fault with `code`. */
struct Bytes {
  const uint8_t* data;
  size_t length;
};
Bytes read_bytes(const Napi::Value& value, const char* code, const std::string& field);

}  // namespace spikescope::binding
