#include "card.h"

#include <cstring>
#include <thread>
#include <utility>

#include "../../engine/fault.h"
#include "akida/dense.h"
#include "system_hooks.h"

namespace spikescope {
namespace {

using std::chrono::milliseconds;

/** Resets, and the whole program in transfers of 1 KiB: about 1 s when all is well. */
constexpr milliseconds kProgramming{20'000};
/** For putting one image into the queue, and for the answer to one, where a few milliseconds are usual. */
constexpr milliseconds kAnswer{4'000};
/** What an access of its own may take beyond that: the driver gives a transfer up after 2 s. */
constexpr milliseconds kTransfer{2'500};
constexpr milliseconds kClosing{1'000};
constexpr std::chrono::microseconds kPause{100};

/** Rather than about a transfer, after which nothing can be asked. */
bool is_about_answers(const Fault& fault) {
  for (const char* code : {"DEVICE_OUTPUT", "DEVICE_EVENT", "DEVICE_JOB", "DEVICE_REGISTER", "DEVICE_QUEUE",
                           "DEVICE_STALE", "DEVICE_INTERRUPT"}) {
    if (fault.code == code) return true;
  }
  return false;
}

std::vector<uint32_t> words_of(const akida::Tensor& tensor) {
  const auto* const buffer = tensor.buffer();
  std::vector<uint32_t> words(buffer->size() / sizeof(uint32_t));
  if (!words.empty()) std::memcpy(words.data(), buffer->data(), words.size() * sizeof(uint32_t));
  return words;
}

void read_output(const akida::Tensor& tensor, const OutputSlot& slot, uint8_t* embedding) {
  if (!slot.is_dense) {
    const std::vector<uint32_t> words = words_of(tensor);
    read_events(words.data(), words.size(), slot, embedding);
    return;
  }
  const auto* const buffer = tensor.buffer();
  if (buffer->size() != slot.elements()) {
    throw Fault("DEVICE_OUTPUT", "the engine makes " + std::to_string(buffer->size()) + " bytes of an output of " +
                                     std::to_string(slot.elements()) + " values");
  }
  read_values(reinterpret_cast<const uint8_t*>(buffer->data()), slot, embedding);
}

}  // namespace

Card::Card(const std::string& path, CheckedProgram program) : program_(std::move(program)), io_(open_device(path)) {
  const CardType& type = identify_card(*io_);
  if (type.identification != program_.identification) {
    throw Fault("DEVICE_VERSION", std::string("the program is for another card than this ") + type.name, "", "program");
  }
  driver_ = std::make_unique<GuardedDriver>(*io_, type);
  attempt(kProgramming, [this] {
    device_ = akida::HardwareDevice::create(driver_.get());
    device_->program(program_.bytes.data(), program_.bytes.size());
    const size_t length = device_->set_batch_size(kQueueLength, true);
    if (length != kQueueLength) throw Fault("DEVICE_FAILED", "the engine takes " + std::to_string(length) + " images");
  });
  is_well_ = true;
}

Card::~Card() {
  if (!is_well_) return;
  try {
    attempt(kClosing, [this] { device_->unprogram(); });
  } catch (const Fault&) {
    // It is not used again.
  }
}

/** What the engine cannot go on after is a fault of the card. */
template <typename Work>
void Card::attempt(milliseconds time, const Work& work) {
  is_well_ = false;
  driver_->allow(time);
  try {
    work();
  } catch (const EnginePanic& panic) {
    throw Fault("DEVICE_FAILED", std::string("the engine of the card gives up: ") + panic.what());
  } catch (const Fault& fault) {
    // Whatever is wrong with what the card says, a dead core explains it.
    if (is_about_answers(fault) && driver_->is_dead()) throw dead_core();
    throw;
  }
  is_well_ = true;
}

std::vector<uint8_t> Card::run(const std::vector<uint8_t>& images) {
  const size_t image_bytes = program_.input.elements();
  const size_t embedding_bytes = program_.output.elements();
  const size_t count = images.size() / image_bytes;
  if (!is_well_) throw Fault("DEVICE_FAILED", "the card has failed before; it has to be opened anew");
  std::vector<uint8_t> embeddings(count * embedding_bytes);
  attempt(kAnswer, [&] {
    for (size_t i = 0; i < count; i++) enqueue(images.data() + i * image_bytes);
    for (size_t i = 0; i < count; i++) fetch(embeddings.data() + i * embedding_bytes);
  });
  return embeddings;
}

void Card::enqueue(const uint8_t* image) {
  const Shape& shape = program_.input;
  const auto side = [](int32_t length) { return static_cast<akida::Index>(length); };
  const auto input = akida::Dense::create_view(
      reinterpret_cast<const char*>(image), akida::TensorType::uint8,
      akida::Shape{side(shape.height), side(shape.width), side(shape.channels)}, akida::Dense::Layout::RowMajor);
  driver_->allow(kAnswer);
  if (!device_->enqueue(*input)) throw Fault("DEVICE_QUEUE", "the card's queue is full");
  jobs_.end++;
}

void Card::fetch(uint8_t* embedding) {
  const auto last = GuardedDriver::Clock::now() + kAnswer;
  driver_->allow(kAnswer + kTransfer);
  for (;;) {
    driver_->begin_fetch(program_.output, jobs_);
    const akida::TensorUniquePtr output = device_->fetch();
    driver_->end_fetch();
    if (output != nullptr) {
      read_output(*output, program_.output, embedding);
      jobs_.begin++;
      return;
    }
    if (GuardedDriver::Clock::now() > last) give_up();
    std::this_thread::sleep_for(kPause);
  }
}

/** Nothing came: because the card has not begun with what waits for it, or has begun and not ended. */
void Card::give_up() {
  if (driver_->is_queue_waiting()) {
    throw Fault("DEVICE_QUEUE", "the card leaves its queue as it is: it takes none of the images that wait");
  }
  throw Fault("DEVICE_STALE", "the card has taken an image and does not end with it");
}

}  // namespace spikescope
