#include "plan.h"

#include <algorithm>

#include "arena.h"
#include "target.h"

namespace spikescope {
namespace {

std::vector<const KernelFactory*> factories_of(InstructionSet set) {
  std::vector<const KernelFactory*> factories;
#if SPIKESCOPE_X86
  if (set == InstructionSet::avx512vnni) factories.push_back(&kAvx512VnniKernels);
  if (set >= InstructionSet::avx2) factories.push_back(&kAvx2Kernels);
#else
  (void)set;
#endif
  factories.push_back(&kScalarKernels);
  return factories;
}

std::unique_ptr<Kernel> make_kernel(const std::vector<const KernelFactory*>& factories, const Graph& graph,
                                    const Node& node) {
  for (const KernelFactory* factory : factories) {
    if (auto kernel = factory->make(graph, node)) return kernel;
  }
  return nullptr;
}

std::unique_ptr<HeadKernel> make_head(const std::vector<const KernelFactory*>& factories, const Graph& graph) {
  for (const KernelFactory* factory : factories) {
    if (auto kernel = factory->make_head(graph)) return kernel;
  }
  return nullptr;
}

/** The tensor whose memory each tensor uses: its own, or for a flatten that of its input. */
std::vector<size_t> storage_of(const Graph& graph) {
  std::vector<size_t> storage(graph.tensor_count());
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const Node& node = graph.nodes[i];
    storage[i + 1] = std::holds_alternative<Flatten>(node.operation) ? storage[node.inputs[0]] : i + 1;
  }
  return storage;
}

/** A tensor lives from the step that makes it to the last step that reads it; step i + 1 runs node i. */
std::vector<Lifetime> lifetimes_of(const Graph& graph, const std::vector<size_t>& storage, bool keep) {
  const size_t end = graph.nodes.size() + 1;
  std::vector<Lifetime> lifetimes(graph.tensor_count());
  for (size_t tensor = 0; tensor < lifetimes.size(); tensor++) {
    const size_t bytes = storage[tensor] == tensor ? graph.tensor(tensor).shape.elements() + kReadableSlack : 0;
    lifetimes[tensor] = {bytes, tensor, keep ? end : tensor};
  }
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    for (const size_t input : graph.nodes[i].inputs) {
      size_t& last = lifetimes[storage[input]].last;
      last = std::max(last, i + 1);
    }
  }
  lifetimes[storage[graph.head.input]].last = end;
  return lifetimes;
}

}  // namespace

Plan make_plan(const Graph& graph, const PlanOptions& options) {
  const std::vector<const KernelFactory*> factories = factories_of(options.instruction_set);
  const std::vector<size_t> storage = storage_of(graph);
  const ArenaLayout layout = lay_out(lifetimes_of(graph, storage, options.keep_tensors));
  const auto offset_of = [&](size_t tensor) { return layout.offsets[storage[tensor]]; };

  Plan plan;
  size_t scratch = 0;
  size_t pointers = 0;
  plan.tensors.push_back({"input", offset_of(0), graph.input.shape.elements()});
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const Node& node = graph.nodes[i];
    plan.tensors.push_back({node.name, offset_of(i + 1), node.output.shape.elements()});
    if (std::holds_alternative<Flatten>(node.operation)) continue;
    Step step;
    step.kernel = make_kernel(factories, graph, node);
    for (const size_t input : node.inputs) step.input_offsets.push_back(offset_of(input));
    step.output_offset = offset_of(i + 1);
    scratch = std::max(scratch, step.kernel->scratch_bytes());
    pointers = std::max(pointers, step.input_offsets.size() * sizeof(const uint8_t*));
    plan.steps.push_back(std::move(step));
  }
  plan.head = make_head(factories, graph);
  plan.input_offset = offset_of(0);
  plan.input_bytes = graph.input.shape.elements();
  plan.embedding_offset = offset_of(graph.head.input);
  plan.embedding_bytes = graph.tensor(graph.head.input).shape.elements();
  plan.classes = graph.head.classes();
  plan.scratch_offset = layout.bytes;
  plan.pointers_offset = round_up(plan.scratch_offset + scratch + kReadableSlack);
  plan.arena_bytes = round_up(plan.pointers_offset + pointers);
  return plan;
}

}  // namespace spikescope
