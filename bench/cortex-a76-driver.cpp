/**
 * Runs one image through a graph on the dot-product kernels, so that the emulator can write down what is executed.
 * `layer_boundary` is called before and after each layer, the head being the last: its address parts the trace. Prints
 * the number of each layer's node.
 */
#include <cstdio>

#include "engine/arena.h"
#include "engine/plan.h"
#include "engine/validate.h"

namespace spikescope {

/** Generated: see graph-source.mjs. */
Graph make_graph();

}  // namespace spikescope

extern "C" __attribute__((noinline)) void layer_boundary() { asm volatile(""); }

int main() {
  using namespace spikescope;
  Graph graph = make_graph();
  validate(graph);
  const Plan plan = make_plan(std::move(graph), {choose_instruction_set("neondot"), false});
  const AlignedMemory memory = allocate_aligned(plan.arena_bytes);
  uint8_t* const arena = memory.get();
  for (size_t i = 0; i < plan.input_bytes; i++) arena[plan.input_offset + i] = static_cast<uint8_t>(i * 37 % 251);
  std::vector<int32_t> potentials(plan.classes);
  std::vector<const uint8_t*> inputs;
  for (const Step& step : plan.steps) {
    std::printf("%zu\n", step.node);
    inputs.clear();
    for (const size_t offset : step.input_offsets) inputs.push_back(arena + offset);
    layer_boundary();
    step.kernel->run(inputs.data(), arena + step.output_offset, arena + step.scratch_offset);
    layer_boundary();
  }
  layer_boundary();
  plan.head->run(arena + plan.embedding_offset, potentials.data());
  layer_boundary();
}
