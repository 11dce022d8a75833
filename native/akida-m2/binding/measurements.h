#pragma once

#include <napi.h>

namespace spikescope::binding {

/**
 * `measurePeak(instructionSet, milliseconds)` → 8-bit multiply-adds per second of one core, 0 for `scalar`.
 * Throws Fault INSTRUCTION_SET, ARGUMENT.
 */
Napi::Value measure_peak(const Napi::CallbackInfo& info);

/** `measureBandwidth(bytes, milliseconds)` → bytes read per second by one core. Throws Fault ARGUMENT, OUT_OF_MEMORY. */
Napi::Value measure_bandwidth(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
