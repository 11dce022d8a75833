#include "measurements.h"

#include <cmath>
#include <string>

#include "../engine/instruction_set.h"
#include "../measure/bandwidth.h"
#include "../measure/peak.h"
#include "errors.h"

namespace spikescope::binding {
namespace {

constexpr double kMaximumMilliseconds = 10000;
constexpr double kMinimumBytes = 4096;
constexpr double kMaximumBytes = 1 << 30;

double number_in(const Napi::Value& value, double minimum, double maximum, const char* field) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= minimum && number <= maximum)) {
    throw Fault("ARGUMENT",
                "expected a number in " + std::to_string(minimum) + "…" + std::to_string(maximum), "", field);
  }
  return number;
}

double read_seconds(const Napi::Value& value) { return number_in(value, 1, kMaximumMilliseconds, "milliseconds") / 1e3; }

}  // namespace

Napi::Value measure_peak(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsString()) throw Fault("INSTRUCTION_SET", "expected a name", "", "instructionSet");
    const InstructionSet& set = choose_instruction_set(info[0].As<Napi::String>());
    return Napi::Number::New(info.Env(), measure::multiply_add_peak(set, read_seconds(info[1])));
  });
}

Napi::Value measure_bandwidth(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    constexpr size_t kLine = 64;
    const auto bytes = static_cast<size_t>(number_in(info[0], kMinimumBytes, kMaximumBytes, "bytes")) / kLine * kLine;
    return Napi::Number::New(info.Env(), measure::read_bandwidth(bytes, read_seconds(info[1])));
  });
}

}  // namespace spikescope::binding
