#include "exposure.h"

#include "noise.h"

namespace spikescope::views {
namespace {

uint8_t* reserve(std::vector<uint8_t>& bytes, const Frame& frame) {
  bytes.resize(static_cast<size_t>(frame.width * frame.height * 3 + kPadding));
  return bytes.data();
}

}  // namespace

Frame expose(const Frame& frame, const View& view, ExposureScratch& scratch) {
  Frame result = frame;
  if (view.noise_sigma > 0) {
    uint8_t* const noisy = reserve(scratch.noisy, frame);
    add_noise(result, view.noise_sigma, static_cast<uint32_t>(view.noise_seed), noisy);
    result.rgb = noisy;
  }
  if (view.jpeg_quality > 0) {
    uint8_t* const decoded = reserve(scratch.decoded, frame);
    through_jpeg(result, static_cast<int>(view.jpeg_quality), scratch.jpeg, decoded);
    result.rgb = decoded;
  }
  return result;
}

}  // namespace spikescope::views
