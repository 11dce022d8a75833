#pragma once

#include <napi.h>

namespace spikescope::binding {

/**
 * `areaResample(frame, {x, y, side}, size)` → Uint8Array; `frame` is {rgb, width, height} or
 * {yuv420, width, height, stride}. Throws Fault FRAME_SIZE, CROP, RESAMPLE_SIZE.
 */
Napi::Value area_resample(const Napi::CallbackInfo& info);

/** `measureQuality(frame)` → counts and sums. Throws Fault FRAME_SIZE. */
Napi::Value measure_quality(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
