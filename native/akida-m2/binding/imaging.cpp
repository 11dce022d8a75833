#include "imaging.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "../imaging/area_resample.h"
#include "../imaging/quality.h"
#include "errors.h"
#include "values.h"

namespace spikescope::binding {
namespace {

constexpr int64_t kMaximumExtent = 1 << 24;

int64_t integer_in(const Napi::Value& value, int64_t minimum, int64_t maximum, const char* code, const char* field) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
      std::floor(number) != number) {
    throw Fault(code, "expected an integer in " + std::to_string(minimum) + "…" + std::to_string(maximum), "", field);
  }
  return static_cast<int64_t>(number);
}

imaging::Image read_image(const Napi::CallbackInfo& info) {
  const Bytes bytes = read_bytes(info[0], "FRAME_SIZE", "rgb");
  const int64_t width = integer_in(info[1], 1, kMaximumExtent, "FRAME_SIZE", "width");
  const int64_t height = integer_in(info[2], 1, kMaximumExtent, "FRAME_SIZE", "height");
  if (static_cast<int64_t>(bytes.length) != width * height * 3) {
    throw Fault("FRAME_SIZE", "expected width × height × 3 bytes, received " + std::to_string(bytes.length), "", "rgb");
  }
  if (std::min(width, height) > imaging::kMaximumSide) {
    throw Fault("FRAME_SIZE", "the shorter side may be 16384 pixels at most", "", "width");
  }
  return {bytes.data, width, height};
}

imaging::Square read_square(const Napi::Value& value, const imaging::Image& image) {
  if (!value.IsObject()) throw Fault("CROP", "expected {x, y, side}", "", "square");
  const auto object = value.As<Napi::Object>();
  const int64_t side =
      integer_in(object.Get("side"), 1, std::min(image.width, image.height), "CROP", "side");
  return {integer_in(object.Get("x"), 0, image.width - side, "CROP", "x"),
          integer_in(object.Get("y"), 0, image.height - side, "CROP", "y"), side};
}

Napi::Array triple(Napi::Env env, const std::array<int64_t, 3>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, static_cast<double>(values[i]));
  return array;
}

}  // namespace

Napi::Value area_resample(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    // Everything that can run JavaScript comes before the bytes are looked at.
    const int64_t size = integer_in(info[4], 1, imaging::kMaximumSide, "RESAMPLE_SIZE", "size");
    const imaging::Square square = read_square(info[3], read_image(info));
    auto output = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(size * size * 3));
    imaging::area_resample(read_image(info), square, size, output.Data());
    return output;
  });
}

Napi::Value measure_quality(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const imaging::Quality quality = imaging::measure_quality(read_image(info));
    auto result = Napi::Object::New(env);
    result.Set("lowClip", triple(env, quality.low_clip));
    result.Set("highClip", triple(env, quality.high_clip));
    result.Set("luminanceMinimum", static_cast<double>(quality.luminance_minimum));
    result.Set("luminanceMaximum", static_cast<double>(quality.luminance_maximum));
    result.Set("luminanceSum", static_cast<double>(quality.luminance_sum));
    result.Set("luminanceSquares", static_cast<double>(quality.luminance_squares));
    result.Set("laplacianSum", static_cast<double>(quality.laplacian_sum));
    result.Set("laplacianSquares", static_cast<double>(quality.laplacian_squares));
    return result;
  });
}

}  // namespace spikescope::binding
