#include "render_worker.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "../views/render.h"
#include "arguments.h"

namespace spikescope::binding {
namespace {

using views::Drawing;
using views::Frame;
using views::Segment;
using views::View;

struct Output {
  int64_t size;
  float* values;
};

struct Work {
  std::vector<Frame> frames;
  std::vector<View> views;
  std::vector<Segment> segments;
  std::vector<Output> outputs;
};

std::vector<Frame> read_frames(Napi::Uint8Array& pixels, const Napi::Float64Array& table) {
  const Napi::Env env = pixels.Env();
  if (table.ElementLength() % 3 != 0) refuse(env, "frames", "three numbers per image");
  std::vector<Frame> frames(table.ElementLength() / 3);
  const auto length = static_cast<int64_t>(pixels.ByteLength());
  for (size_t i = 0; i < frames.size(); i++) {
    const int64_t width = read_integer(env, table[3 * i + 1], 1, views::kMaximumSide, "frames, width");
    const int64_t height = read_integer(env, table[3 * i + 2], 1, views::kMaximumSide, "frames, height");
    const int64_t offset =
        read_integer(env, table[3 * i], 0, length - width * height * 3 - views::kPadding, "frames, offset of a frame within pixels");
    frames[i] = {pixels.Data() + offset, width, height};
  }
  return frames;
}

constexpr double kMost = 100;

void check_share(Napi::Env env, double number, const char* expected) {
  if (!(number >= 0 && number <= 1)) refuse(env, "views", expected);
}

void check_drawing(Napi::Env env, const Drawing& drawing, size_t segments) {
  const auto most = static_cast<int64_t>(segments);
  const int64_t first = read_integer(env, drawing.first, 0, most, "views, first segment");
  read_integer(env, drawing.count, 0, most - first, "views, segments of a drawing");
  for (const double number : drawing.colour) check_share(env, number, "a drawing's colour within 0…1");
  check_share(env, drawing.opacity, "a drawing's opacity within 0…1");
}

void check_camera(Napi::Env env, const View& view, size_t segments) {
  check_share(env, view.noise_sigma, "noise within 0…1");
  read_integer(env, view.noise_seed, 0, UINT32_MAX, "views, seed of the noise");
  read_integer(env, view.jpeg_quality, 0, 100, "views, quality of the JPEG");
  check_share(env, view.blur_sigma, "a blur within 0…1");
  for (const double number : view.field) {
    if (!(std::fabs(number) <= kMost)) refuse(env, "views", "a field within ±100");
  }
  for (const Drawing& drawing : view.drawings) check_drawing(env, drawing, segments);
}

/** Bounds beyond any augmentation, within which coordinates stay exact. */
void check_view(Napi::Env env, const View& view) {
  const double numbers[] = {view.xu, view.xv, view.x, view.yu, view.yv, view.y};
  for (const double number : numbers) {
    if (!(std::fabs(number) <= kMost)) refuse(env, "views", "a transform with coefficients within ±100");
  }
  constexpr double kLeast = 1e-3;
  if (!(std::hypot(view.xu, view.xv) >= kLeast && std::hypot(view.yu, view.yv) >= kLeast)) {
    refuse(env, "views", "a transform that does not shrink an axis to a point");
  }
  for (const double gain : view.gain) {
    if (!(gain >= 0 && gain <= kMost)) refuse(env, "views", "gains in 0…100");
  }
  if (!(view.factor >= 0 && view.factor <= kMost && view.contrast >= 0 && view.contrast <= kMost &&
        view.gamma >= kLeast && view.gamma <= kMost)) {
    refuse(env, "views", "factor and contrast in 0…100, gamma in 0.001…100");
  }
  for (const double share : view.erased) check_share(env, share, "an erased rectangle within 0…1");
}

std::vector<View> read_views(const Napi::Float64Array& table, size_t count, size_t segments) {
  const Napi::Env env = table.Env();
  if (table.ElementLength() != count * views::kViewNumbers) {
    refuse(env, "views", std::to_string(views::kViewNumbers) + " numbers per image");
  }
  std::vector<View> result(count);
  if (count > 0) std::memcpy(result.data(), table.Data(), table.ByteLength());
  for (const View& view : result) {
    check_view(env, view);
    check_camera(env, view, segments);
  }
  return result;
}

std::vector<Segment> read_segments(const Napi::Float64Array& table) {
  const Napi::Env env = table.Env();
  if (table.ElementLength() % views::kSegmentNumbers != 0) refuse(env, "segments", "five numbers each");
  for (size_t i = 0; i < table.ElementLength(); i++) {
    if (!(std::fabs(table[i]) <= kMost)) refuse(env, "segments", "numbers within ±100");
  }
  std::vector<Segment> result(table.ElementLength() / views::kSegmentNumbers);
  if (!result.empty()) std::memcpy(result.data(), table.Data(), table.ByteLength());
  return result;
}

std::vector<Output> read_outputs(const Napi::Value& value, size_t count) {
  const Napi::Env env = value.Env();
  if (!value.IsArray()) refuse(env, "outputs", "an array");
  const auto list = value.As<Napi::Array>();
  std::vector<Output> outputs;
  for (uint32_t i = 0; i < list.Length(); i++) {
    auto array = read_array<float>(list.Get(i), napi_float32_array, "outputs");
    const double pixels = static_cast<double>(array.ElementLength()) / (3.0 * static_cast<double>(count));
    const int64_t size = read_integer(env, std::sqrt(pixels), 1, views::kMaximumSide, "outputs, side of a square");
    outputs.push_back({size, array.Data()});
  }
  return outputs;
}

class RenderWorker : public Napi::AsyncWorker {
 public:
  /** `arrays` keeps what the work points into. */
  RenderWorker(Napi::Env env, Work work, Napi::Object arrays)
      : Napi::AsyncWorker(env),
        work_(std::move(work)),
        arrays_(Napi::Persistent(arrays)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    views::Scratch scratch;
    for (size_t i = 0; i < work_.frames.size(); i++) {
      const View& view = work_.views[i];
      views::prefetch(work_.frames[i]);
      const Frame frame = views::expose(work_.frames[i], view, scratch.exposure);
      for (const Output& output : work_.outputs) {
        const auto stride = static_cast<size_t>(output.size * output.size * 3);
        views::render(frame, view, work_.segments.data(), output.size, scratch, output.values + i * stride);
      }
    }
  }

  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const Work work_;
  const Napi::ObjectReference arrays_;
  const Napi::Promise::Deferred deferred_;
};

}  // namespace

Napi::Value render(const Napi::CallbackInfo& info) {
  auto pixels = read_array<uint8_t>(info[0], napi_uint8_array, "pixels");
  const auto frames = read_array<double>(info[1], napi_float64_array, "frames");
  if (!info[2].IsObject()) refuse(info.Env(), "views", "an object");
  const auto packed = info[2].As<Napi::Object>();
  const auto table = read_array<double>(packed.Get("numbers"), napi_float64_array, "views");
  const auto segments = read_array<double>(packed.Get("segments"), napi_float64_array, "segments");
  if (frames.ElementLength() == 0) refuse(info.Env(), "frames", "one image at least");
  Work work;
  work.frames = read_frames(pixels, frames);
  work.segments = read_segments(segments);
  work.views = read_views(table, work.frames.size(), work.segments.size());
  work.outputs = read_outputs(info[3], work.frames.size());
  auto arrays = Napi::Array::New(info.Env(), 2);
  arrays.Set(0u, pixels);
  arrays.Set(1u, info[3]);
  auto* const worker = new RenderWorker(info.Env(), std::move(work), arrays);
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace spikescope::binding
