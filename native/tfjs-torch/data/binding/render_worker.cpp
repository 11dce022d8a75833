#include "render_worker.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "../views/render.h"
#include "arguments.h"

namespace spikescope::binding {
namespace {

using views::Frame;
using views::View;

struct Output {
  int64_t size;
  float* values;
};

struct Work {
  std::vector<Frame> frames;
  std::vector<View> views;
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

/** Bounds beyond any augmentation, within which coordinates stay exact. */
void check_view(Napi::Env env, const View& view) {
  constexpr double kMost = 100;
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
  for (const double share : view.erased) {
    if (!(share >= 0 && share <= 1)) refuse(env, "views", "an erased rectangle within 0…1");
  }
}

std::vector<View> read_views(const Napi::Float64Array& table, size_t count) {
  if (table.ElementLength() != count * views::kViewNumbers) refuse(table.Env(), "views", "16 numbers per image");
  std::vector<View> result(count);
  if (count > 0) std::memcpy(result.data(), table.Data(), table.ByteLength());
  for (const View& view : result) check_view(table.Env(), view);
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
      views::prefetch(work_.frames[i]);
      for (const Output& output : work_.outputs) {
        const auto stride = static_cast<size_t>(output.size * output.size * 3);
        views::render(work_.frames[i], work_.views[i], output.size, scratch, output.values + i * stride);
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
  const auto table = read_array<double>(info[2], napi_float64_array, "views");
  if (frames.ElementLength() == 0) refuse(info.Env(), "frames", "one image at least");
  Work work;
  work.frames = read_frames(pixels, frames);
  work.views = read_views(table, work.frames.size());
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
