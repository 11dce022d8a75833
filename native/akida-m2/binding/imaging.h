#pragma once

#include <napi.h>

namespace spikescope::binding {

/** `areaResample(rgb, width, height, {x, y, side}, size)` → Uint8Array. Throws Fault FRAME_SIZE, CROP, RESAMPLE_SIZE. */
Napi::Value area_resample(const Napi::CallbackInfo& info);

/** `measureQuality(rgb, width, height)` → counts and sums. Throws Fault FRAME_SIZE. */
Napi::Value measure_quality(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
