#ifdef SPIKESCOPE_TEST_BACKENDS

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "../../engine/fault.h"
#include "../../engine/validate.h"
#include "../registry.h"

/*
 * What a device asks of the seam, without a device: a thread of its own, passes of a few images, waits that end, answers
 * that are not the interpreter's, failures in the middle. Only in builds for tests.
 */
namespace spikescope {
namespace {

/** Images that the thread takes at once. */
constexpr size_t kPass = 15;
constexpr std::chrono::seconds kPatience{20};
/** Images that begin with these bytes make the device fail, or keep it silent for good. */
constexpr uint8_t kFails = 255;
constexpr uint8_t kHangs = 254;

/** The thread that stands for the device. What it works on is its own: it may still be at it when nobody waits. */
class Device {
 public:
  Device() : thread_([this] { serve(); }) {}

  ~Device() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /** Gives back the sum of every image of `bytes` bytes. @throws Fault DEVICE_FAILED, DEVICE_TIMEOUT */
  std::vector<int32_t> run(std::vector<uint8_t> images, size_t bytes) {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool hangs = images[0] == kHangs;
    images_ = std::move(images);
    bytes_ = bytes;
    sums_.reset();
    asked_ = true;
    changed_.notify_all();
    const auto patience = hangs ? std::chrono::seconds{0} : kPatience;
    if (!changed_.wait_for(lock, patience, [this] { return sums_.has_value(); })) {
      throw Fault("DEVICE_TIMEOUT", "the device does not answer");
    }
    if (sums_->empty()) throw Fault("DEVICE_FAILED", "the device fails");
    return *sums_;
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closing_ || asked_; });
      if (closing_) return;
      asked_ = false;
      if (images_[0] == kHangs) continue;
      sums_ = answer();
      changed_.notify_all();
    }
  }

  /** Nothing when an image makes it fail. */
  std::vector<int32_t> answer() const {
    std::vector<int32_t> sums;
    for (size_t first = 0; first < images_.size(); first += bytes_) {
      if (images_[first] == kFails) return {};
      int32_t sum = 0;
      for (size_t i = 0; i < bytes_; i++) sum += images_[first + i];
      sums.push_back(sum);
    }
    return sums;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint8_t> images_;
  size_t bytes_ = 0;
  /** Empty: the device failed. */
  std::optional<std::vector<int32_t>> sums_;
  bool asked_ = false;
  bool closing_ = false;
  std::thread thread_;
};

/** A class's potential is the sum of the image and the class's number; the embedding repeats the image. */
class EchoBackend final : public Backend {
 public:
  explicit EchoBackend(const Graph& graph)
      : input_bytes_(graph.input.shape.elements()),
        classes_(graph.head.classes()),
        embedding_bytes_(graph.tensor(graph.head.input).shape.elements()) {}

  size_t input_bytes() const override { return input_bytes_; }
  size_t classes() const override { return classes_; }
  size_t embedding_bytes() const override { return embedding_bytes_; }
  BackendDescription description() const override { return {"echo", kPass * input_bytes_}; }

  void infer(const Batch& batch, const AbortSignal& abort) override {
    for (size_t done = 0; done < batch.count && !abort.is_raised(); done += kPass) {
      const size_t count = std::min(kPass, batch.count - done);
      const uint8_t* const inputs = batch.inputs + done * input_bytes_;
      const std::vector<int32_t> sums = device_.run({inputs, inputs + count * input_bytes_}, input_bytes_);
      for (size_t image = 0; image < count; image++) {
        int32_t* const potentials = batch.potentials + (done + image) * classes_;
        uint8_t* const embedding = batch.embeddings + (done + image) * embedding_bytes_;
        for (size_t i = 0; i < classes_; i++) potentials[i] = sums[image] + static_cast<int32_t>(i);
        for (size_t i = 0; i < embedding_bytes_; i++) embedding[i] = inputs[image * input_bytes_ + i % input_bytes_];
      }
    }
  }

 private:
  const size_t input_bytes_;
  const size_t classes_;
  const size_t embedding_bytes_;
  Device device_;
};

BackendPresence describe(const std::string&) { return {true, "an echo, for tests"}; }

std::unique_ptr<Backend> open(Graph graph, const BackendOptions& options) {
  refuse_options(options, "echo");
  validate(graph);
  return std::make_unique<EchoBackend>(graph);
}

constexpr Deviation kDeviation{"it repeats its input", 1 << 30};

}  // namespace

const BackendRegistration kEchoBackend{"echo", describe, open, &kDeviation};

}  // namespace spikescope

#endif
