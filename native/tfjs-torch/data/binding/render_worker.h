#pragma once

#include <napi.h>

namespace spikescope::binding {

/**
 * render(pixels, frames, views, outputs) → Promise<void>, drawn off the main thread.
 *
 * pixels: Uint8Array; frames: Float64Array, offset, width, height per image, every frame followed by kPadding bytes at
 * least; views: { numbers: Float64Array, kViewNumbers per image; segments: Float64Array, kSegmentNumbers each }; outputs:
 * an array of Float32Array, one per size, images × size × size × 3. Until the promise settles, the outputs belong to the
 * worker.
 */
Napi::Value render(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
