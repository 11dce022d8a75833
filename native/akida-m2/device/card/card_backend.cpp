#include <algorithm>
#include <cstring>
#include <utility>

#include "../../engine/arena.h"
#include "../../engine/fault.h"
#include "../../engine/instruction_set.h"
#include "../../engine/plan.h"
#include "../../engine/validate.h"
#include "../card_opener.h"
#include "../owner_thread.h"
#include "card.h"

namespace spikescope {
namespace {

/** Beyond every deadline of the card's own: the driver itself does not come back. */
constexpr std::chrono::seconds kPatience{30};

std::string device_for(const BackendOptions& options) {
  const std::string device = choose_device(options.device);
  if (device.empty()) throw Fault("DEVICE_GONE", "there is no card", "", "device");
  return device;
}

/**
 * The card computes the embedding, the processor the head: a few thousand products, which learning on the device changes
 * from one capture to the next.
 */
class CardBackend final : public Backend {
 public:
  CardBackend(const Graph& graph, CheckedProgram program, const std::string& device)
      : input_bytes_(graph.input.shape.elements()),
        classes_(graph.head.classes()),
        embedding_bytes_(graph.tensor(graph.head.input).shape.elements()),
        head_(make_head(choose_instruction_set("auto"), graph)),
        embedding_(allocate_aligned(embedding_bytes_ + kReadableSlack)) {
    // The card is made, used and closed by its own thread alone, which may keep it when nobody waits any more.
    owner_.run([place = card_, device, program = std::move(program)] { *place = std::make_unique<Card>(device, program); },
               kPatience);
    name_ = (*card_)->name();
  }

  ~CardBackend() override {
    try {
      owner_.run([place = card_] { place->reset(); }, kPatience);
    } catch (const Fault&) {
      // Its thread is lost, and the card with it.
    }
  }

  size_t input_bytes() const override { return input_bytes_; }
  size_t classes() const override { return classes_; }
  size_t embedding_bytes() const override { return embedding_bytes_; }
  BackendDescription description() const override { return {name_, kQueueLength * (input_bytes_ + embedding_bytes_)}; }

  void infer(const Batch& batch, const AbortSignal& abort) override {
    for (size_t done = 0; done < batch.count && !abort.is_raised(); done += kQueueLength) {
      const size_t count = std::min(kQueueLength, batch.count - done);
      const uint8_t* const images = batch.inputs + done * input_bytes_;
      const std::vector<uint8_t> embeddings = run_card({images, images + count * input_bytes_});
      std::memcpy(batch.embeddings + done * embedding_bytes_, embeddings.data(), embeddings.size());
      for (size_t i = 0; i < count; i++) {
        std::memcpy(embedding_.get(), embeddings.data() + i * embedding_bytes_, embedding_bytes_);
        head_->run(embedding_.get(), batch.potentials + (done + i) * classes_);
      }
    }
  }

 private:
  std::vector<uint8_t> run_card(std::vector<uint8_t> images) {
    const auto embeddings = std::make_shared<std::vector<uint8_t>>();
    owner_.run([place = card_, embeddings, images = std::move(images)] { *embeddings = (*place)->run(images); },
               kPatience);
    return std::move(*embeddings);
  }

  const size_t input_bytes_;
  const size_t classes_;
  const size_t embedding_bytes_;
  const std::unique_ptr<HeadKernel> head_;
  /** One image's, with the room behind it that kernels may read. */
  const AlignedMemory embedding_;
  std::string name_;
  const std::shared_ptr<std::unique_ptr<Card>> card_ = std::make_shared<std::unique_ptr<Card>>();
  OwnerThread owner_;
};

std::unique_ptr<Backend> open(Graph graph, const BackendOptions& options) {
  refuse_processor_options(options, "akida");
  validate(graph);
  CheckedProgram program = check_program(options.program, graph);
  return std::make_unique<CardBackend>(graph, std::move(program), device_for(options));
}

}  // namespace

const OpenCard kOpenCard = open;

}  // namespace spikescope
