#include "cpu_backend.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "validate.h"

namespace spikescope {
namespace {

Plan plan_for(Graph graph, const CpuOptions& options) {
  validate(graph);
  return make_plan(std::move(graph), {options.instruction_set, options.keep_tensors});
}

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

CpuBackend::CpuBackend(Graph graph, const CpuOptions& options)
    : options_(options),
      threads_(std::max<size_t>(options.threads, 1)),
      plan_(plan_for(std::move(graph), options)),
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

std::vector<StepTime> CpuBackend::profile(const uint8_t* input, size_t rounds) const {
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

void CpuBackend::copy_tensor(const TracedTensor& tensor, uint8_t* output) const {
  const uint8_t* const memory = arena_.get() + tensor.offset;
  for (size_t pixel = 0; pixel < tensor.pixels; pixel++) {
    std::memcpy(output + pixel * tensor.channels, memory + pixel * tensor.stride, tensor.channels);
  }
}

/** One image per piece, each worker in its own part of the arena. */
class CpuBackend::Batch final : public PieceWork {
 public:
  Batch(const CpuBackend& backend, const uint8_t* inputs, int32_t* potentials, uint8_t* embeddings)
      : backend_(backend), inputs_(inputs), potentials_(potentials), embeddings_(embeddings) {}

  void do_piece(size_t image, size_t worker) override {
    backend_.run_image(inputs_ + image * backend_.input_bytes(), potentials_ + image * backend_.classes(),
                       embeddings_ + image * backend_.embedding_bytes(),
                       backend_.arena_.get() + worker * backend_.plan_.arena_bytes);
  }

 private:
  const CpuBackend& backend_;
  const uint8_t* const inputs_;
  int32_t* const potentials_;
  uint8_t* const embeddings_;
};

void CpuBackend::infer(const uint8_t* inputs, size_t count, int32_t* potentials, uint8_t* embeddings) {
  Batch batch(*this, inputs, potentials, embeddings);
  pool_.run(batch, count);
}

}  // namespace spikescope
