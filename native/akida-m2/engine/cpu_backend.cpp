#include "cpu_backend.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "fault.h"
#include "validate.h"

namespace spikescope {
namespace {

Plan plan_for(Graph graph, const PlanOptions& options) {
  validate(graph);
  return make_plan(std::move(graph), options);
}

size_t threads_of(const BackendOptions& options) {
  if (options.keep_tensors && options.threads != 1) {
    throw Fault("THREADS", "tensors can be kept on one thread only", "", "keepTensors");
  }
  return std::max<size_t>(options.threads, 1);
}

BackendPresence describe_processor(const std::string&) {
  std::string names;
  for (const InstructionSet* set : available_instruction_sets()) {
    names += (names.empty() ? "" : ", ") + std::string(set->name);
  }
  return {true, "instruction sets " + names};
}

std::unique_ptr<Backend> open_processor(Graph graph, const BackendOptions& options) {
  refuse_card_options(options, "cpu");
  return std::make_unique<CpuBackend>(std::move(graph), options);
}

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

CpuBackend::CpuBackend(Graph graph, const BackendOptions& options)
    : instruction_set_(choose_instruction_set(options.instruction_set)),
      threads_(threads_of(options)),
      keep_tensors_(options.keep_tensors),
      plan_(plan_for(std::move(graph), {instruction_set_, options.keep_tensors})),
      arena_(reserve_aligned(plan_.arena_bytes * threads_)),
      pool_(threads_) {}

void CpuBackend::run_step(const Step& step, uint8_t* arena) const {
  auto* const inputs = reinterpret_cast<const uint8_t**>(arena + plan_.pointers_offset);
  for (size_t i = 0; i < step.input_offsets.size(); i++) inputs[i] = arena + step.input_offsets[i];
  step.kernel->run(inputs, arena + step.output_offset, arena + step.scratch_offset);
}

void CpuBackend::run_image(const uint8_t* input, int32_t* potentials, uint8_t* embedding, uint8_t* arena) const {
  std::memcpy(arena + plan_.input_offset, input, plan_.input_bytes);
  for (const Step& step : plan_.steps) run_step(step, arena);
  plan_.head->run(arena + plan_.embedding_offset, potentials);
  std::memcpy(embedding, arena + plan_.embedding_offset, plan_.embedding_bytes);
}

std::vector<StepTime> CpuBackend::profile(const uint8_t* input, size_t rounds) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::vector<double>> times(plan_.steps.size() + 1);
  std::vector<int32_t> potentials(plan_.classes);
  uint8_t* const arena = arena_.get();
  for (size_t round = 0; round < rounds; round++) {
    std::memcpy(arena + plan_.input_offset, input, plan_.input_bytes);
    Clock::time_point last = Clock::now();
    const auto note_time = [&](size_t step) {
      const Clock::time_point now = Clock::now();
      times[step].push_back(std::chrono::duration<double, std::nano>(now - last).count());
      last = now;
    };
    for (size_t step = 0; step < plan_.steps.size(); step++) {
      run_step(plan_.steps[step], arena);
      note_time(step);
    }
    plan_.head->run(arena + plan_.embedding_offset, potentials.data());
    note_time(plan_.steps.size());
  }
  std::vector<StepTime> result(times.size());
  for (size_t step = 0; step < times.size(); step++) {
    if (step < plan_.steps.size()) {
      for (const size_t node : plan_.steps[step].nodes) result[step].nodes.push_back(plan_.tensors[node + 1].name);
    }
    result[step].nanoseconds = median_of(times[step]);
  }
  return result;
}

std::vector<TensorSize> CpuBackend::tensors() const {
  std::vector<TensorSize> sizes;
  for (const TracedTensor& tensor : plan_.tensors) sizes.push_back({tensor.name, tensor.pixels * tensor.channels});
  return sizes;
}

void CpuBackend::copy_tensor(size_t number, uint8_t* output) const {
  const TracedTensor& tensor = plan_.tensors[number];
  const uint8_t* const memory = arena_.get() + tensor.offset;
  for (size_t pixel = 0; pixel < tensor.pixels; pixel++) {
    std::memcpy(output + pixel * tensor.channels, memory + pixel * tensor.stride, tensor.channels);
  }
}

/** One image per piece, each worker in its own part of the arena. */
class CpuBackend::Images final : public PieceWork {
 public:
  Images(const CpuBackend& backend, const Batch& batch, const AbortSignal& abort)
      : backend_(backend), batch_(batch), abort_(abort) {}

  void do_piece(size_t image, size_t worker) override {
    if (abort_.is_raised()) return;
    const Plan& plan = backend_.plan_;
    backend_.run_image(batch_.inputs + image * plan.input_bytes, batch_.potentials + image * plan.classes,
                       batch_.embeddings + image * plan.embedding_bytes,
                       backend_.arena_.get() + worker * plan.arena_bytes);
  }

 private:
  const CpuBackend& backend_;
  const Batch& batch_;
  const AbortSignal& abort_;
};

void CpuBackend::infer(const Batch& batch, const AbortSignal& abort) {
  Images images(*this, batch, abort);
  pool_.run(images, batch.count);
}

const BackendRegistration kCpuBackend{"cpu", describe_processor, open_processor, nullptr};

}  // namespace spikescope
