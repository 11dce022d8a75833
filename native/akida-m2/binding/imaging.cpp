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

/** What a frame object holds, read before its bytes are looked at: reading a property may run JavaScript. */
struct Frame {
  Napi::Value pixels;
  bool is_yuv;
  int64_t width;
  int64_t height;
  int64_t stride;
};

Frame read_frame(const Napi::Value& value) {
  if (!value.IsObject()) throw Fault("FRAME_SIZE", "expected a frame", "", "frame");
  const auto object = value.As<Napi::Object>();
  Frame frame{object.Get("yuv420"), false, 0, 0, 0};
  frame.is_yuv = !frame.pixels.IsUndefined();
  if (!frame.is_yuv) frame.pixels = object.Get("rgb");
  frame.width = integer_in(object.Get("width"), 1, kMaximumExtent, "FRAME_SIZE", "width");
  frame.height = integer_in(object.Get("height"), 1, kMaximumExtent, "FRAME_SIZE", "height");
  if (std::min(frame.width, frame.height) > imaging::kMaximumSide) {
    throw Fault("FRAME_SIZE", "the shorter side may be 16384 pixels at most", "", "width");
  }
  if (!frame.is_yuv) return frame;
  frame.stride = integer_in(object.Get("stride"), frame.width, kMaximumExtent, "FRAME_SIZE", "stride");
  if ((frame.width | frame.height | frame.stride) % 2 != 0) {
    throw Fault("FRAME_SIZE", "width, height and stride of YUV 4:2:0 are even", "", "width");
  }
  return frame;
}

/** The pixels, not copied; valid only until JavaScript runs again. */
const uint8_t* pixels_of(const Frame& frame) {
  const char* const field = frame.is_yuv ? "yuv420" : "rgb";
  const Bytes bytes = read_bytes(frame.pixels, "FRAME_SIZE", field);
  const int64_t expected = frame.is_yuv ? frame.stride * frame.height / 2 * 3 : frame.width * frame.height * 3;
  if (static_cast<int64_t>(bytes.length) != expected) {
    throw Fault("FRAME_SIZE",
                "expected " + std::to_string(expected) + " bytes, received " + std::to_string(bytes.length), "", field);
  }
  return bytes.data;
}

/** Calls `use` with the frame as the kind of image that it is. */
template <class Use>
auto with_image(const Frame& frame, const Use& use) {
  const uint8_t* const pixels = pixels_of(frame);
  if (frame.is_yuv) return use(imaging::YuvImage{pixels, frame.width, frame.height, frame.stride});
  return use(imaging::RgbImage{pixels, frame.width, frame.height});
}

imaging::Square read_square(const Napi::Value& value, const Frame& image) {
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
    const Frame frame = read_frame(info[0]);
    const imaging::Square square = read_square(info[1], frame);
    const int64_t size = integer_in(info[2], 1, imaging::kMaximumSide, "RESAMPLE_SIZE", "size");
    auto output = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(size * size * 3));
    with_image(frame, [&](const auto& image) { imaging::area_resample(image, square, size, output.Data()); });
    return output;
  });
}

Napi::Value measure_quality(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Frame frame = read_frame(info[0]);
    const imaging::Square square = read_square(info[1], frame);
    auto working = Napi::Uint8Array::New(env, imaging::kQualitySide * imaging::kQualitySide * 3);
    const imaging::Quality quality = with_image(
        frame, [&](const auto& image) { return imaging::measure_quality(image, square, working.Data()); });
    auto result = Napi::Object::New(env);
    result.Set("lowClip", triple(env, quality.low_clip));
    result.Set("highClip", triple(env, quality.high_clip));
    result.Set("luminanceMinimum", static_cast<double>(quality.luminance_minimum));
    result.Set("luminanceMaximum", static_cast<double>(quality.luminance_maximum));
    result.Set("luminanceSum", static_cast<double>(quality.luminance_sum));
    result.Set("luminanceSquares", static_cast<double>(quality.luminance_squares));
    result.Set("laplacianSum", static_cast<double>(quality.laplacian_sum));
    result.Set("laplacianSquares", static_cast<double>(quality.laplacian_squares));
    result.Set("working", working);
    return result;
  });
}

}  // namespace spikescope::binding
