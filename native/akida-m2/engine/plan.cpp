#include "plan.h"

#include <algorithm>
#include <optional>

#include "arena.h"
#include "fusion.h"

namespace spikescope {
namespace {

/** Those of the set and of all that it falls back to, best first. */
std::vector<const KernelFactory*> factories_of(const InstructionSet& best) {
  std::vector<const KernelFactory*> factories;
  for (const InstructionSet* set = &best; set != nullptr; set = set->fallback) factories.push_back(set->kernels);
  return factories;
}

std::unique_ptr<Kernel> make_kernel(const std::vector<const KernelFactory*>& factories, const Graph& graph,
                                    const Node& node) {
  for (const KernelFactory* factory : factories) {
    if (auto kernel = factory->make(graph, node)) return kernel;
  }
  return nullptr;
}

/** Where each tensor lies: a piece of memory, named by the tensor that owns it, and the first byte within. */
struct Place {
  size_t owner = 0;
  size_t offset = 0;
};

/** Only these kernels can write pixels at a distance. */
bool writes_in_place(const Node& node) {
  const auto* operation = std::get_if<Convolution>(&node.operation);
  return operation != nullptr && operation->groups == 1;
}

/** Lets the convolutions that only a concat reads write straight into it. */
void join_concat(Graph& graph, size_t number, const std::vector<size_t>& readers, std::vector<Place>& places) {
  Node& node = graph.nodes[number];
  auto& operation = std::get<Concat>(node.operation);
  size_t first = 0;
  for (const size_t input : node.inputs) {
    const bool in_place = input > 0 && readers[input] == 1 && writes_in_place(graph.nodes[input - 1]);
    operation.in_place.push_back(in_place);
    if (in_place) {
      graph.nodes[input - 1].output_stride = static_cast<size_t>(node.output.shape.channels);
      places[input] = {number + 1, first};
    }
    first += static_cast<size_t>(graph.tensor(input).shape.channels);
  }
}

/** A flatten lies where its input does; a tensor that a concat joins may lie within the concat. */
std::vector<Place> place_tensors(Graph& graph) {
  const std::vector<size_t> readers = readers_of(graph);
  std::vector<Place> places(graph.tensor_count());
  for (size_t tensor = 0; tensor < places.size(); tensor++) places[tensor] = {tensor, 0};
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const Operation& operation = graph.nodes[i].operation;
    if (std::holds_alternative<Flatten>(operation)) places[i + 1] = places[graph.nodes[i].inputs[0]];
    if (std::holds_alternative<Concat>(operation)) join_concat(graph, i, readers, places);
  }
  return places;
}

/** What one step computes: a node, or a fusion. */
struct Task {
  /** The node whose tensor it makes. */
  size_t node = 0;
  std::vector<size_t> nodes;
  std::vector<size_t> inputs;
  std::unique_ptr<Kernel> kernel;
};

/** Nothing is left to do for a flatten, nor for a concat whose inputs are all written in place. */
bool needs_no_step(const Operation& operation) {
  if (std::holds_alternative<Flatten>(operation)) return true;
  const auto* concat = std::get_if<Concat>(&operation);
  return concat != nullptr &&
         std::all_of(concat->in_place.begin(), concat->in_place.end(), [](bool in_place) { return in_place; });
}

std::optional<Task> make_fused_task(const KernelFactory& factory, const Graph& graph, const Fusion& fusion) {
  auto kernel = factory.make_fused(graph, fusion);
  if (!kernel) return std::nullopt;
  Task task{fusion.last(), fusion.nodes(), graph.nodes[fusion.convolution].inputs, std::move(kernel)};
  if (fusion.joining) task.inputs.push_back(fusion.operand);
  return task;
}

/** In the order in which they run; a fusion runs when its last node would. */
std::vector<Task> make_tasks(const std::vector<const KernelFactory*>& factories, const Graph& graph, bool fuse) {
  std::vector<std::optional<Task>> fused(graph.nodes.size());
  std::vector<bool> covered(graph.nodes.size());
  if (fuse && factories.front()->make_fused != nullptr) {
    for (const Fusion& fusion : find_fusions(graph)) {
      auto task = make_fused_task(*factories.front(), graph, fusion);
      if (!task) continue;
      for (const size_t node : task->nodes) covered[node] = true;
      fused[task->node] = std::move(task);
    }
  }
  std::vector<Task> tasks;
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    if (fused[i]) tasks.push_back(std::move(*fused[i]));
    if (covered[i] || needs_no_step(graph.nodes[i].operation)) continue;
    tasks.push_back({i, {i}, graph.nodes[i].inputs, make_kernel(factories, graph, graph.nodes[i])});
  }
  return tasks;
}

/**
 * Memory lives from the step that first writes to it to the last step that reads it; step i + 1 is node i's. A tensor
 * that no step makes needs no memory. Behind the tensors comes the working memory of each task, which lives for its step.
 */
std::vector<Lifetime> lifetimes_of(const Graph& graph, const std::vector<Task>& tasks,
                                   const std::vector<Place>& places, bool keep) {
  const size_t end = graph.nodes.size() + 1;
  std::vector<Lifetime> lifetimes(graph.tensor_count());
  const auto use = [&](size_t tensor, size_t step) {
    const size_t owner = places[tensor].owner;
    Lifetime& lifetime = lifetimes[owner];
    if (lifetime.bytes == 0) lifetime = {graph.tensor(owner).shape.elements() + kReadableSlack, step, keep ? end : step};
    lifetime.first = std::min(lifetime.first, step);
    lifetime.last = std::max(lifetime.last, step);
  };
  use(0, 0);
  for (const Task& task : tasks) {
    use(task.node + 1, task.node + 1);
    for (const size_t input : task.inputs) use(input, task.node + 1);
  }
  use(graph.head.input, end);
  for (const Task& task : tasks) {
    const size_t bytes = task.kernel->scratch_bytes();
    lifetimes.push_back({bytes == 0 ? 0 : bytes + kReadableSlack, task.node + 1, task.node + 1});
  }
  return lifetimes;
}

TracedTensor traced(const std::string& name, size_t offset, const Shape& shape, size_t stride) {
  const auto channels = static_cast<size_t>(shape.channels);
  return {name, offset, shape.elements() / channels, channels, stride};
}

}  // namespace

std::unique_ptr<HeadKernel> make_head(const InstructionSet& instruction_set, const Graph& graph) {
  for (const KernelFactory* factory : factories_of(instruction_set)) {
    if (auto kernel = factory->make_head(graph)) return kernel;
  }
  return nullptr;
}

Plan make_plan(Graph graph, const PlanOptions& options) {
  const std::vector<const KernelFactory*> factories = factories_of(options.instruction_set);
  const std::vector<Place> places = place_tensors(graph);
  std::vector<Task> tasks = make_tasks(factories, graph, !options.keep_tensors);
  const ArenaLayout layout = lay_out(lifetimes_of(graph, tasks, places, options.keep_tensors));
  const auto offset_of = [&](size_t tensor) { return layout.offsets[places[tensor].owner] + places[tensor].offset; };

  Plan plan;
  size_t pointers = 0;
  plan.tensors.push_back(
      traced("input", offset_of(0), graph.input.shape, static_cast<size_t>(graph.input.shape.channels)));
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const Node& node = graph.nodes[i];
    plan.tensors.push_back(traced(node.name, offset_of(i + 1), node.output.shape, node.pixel_stride()));
  }
  for (Task& task : tasks) {
    Step step;
    step.node = task.node;
    step.nodes = std::move(task.nodes);
    step.kernel = std::move(task.kernel);
    for (const size_t input : task.inputs) step.input_offsets.push_back(offset_of(input));
    step.output_offset = offset_of(task.node + 1);
    step.scratch_offset = layout.offsets[graph.tensor_count() + plan.steps.size()];
    pointers = std::max(pointers, step.input_offsets.size() * sizeof(const uint8_t*));
    plan.steps.push_back(std::move(step));
  }
  plan.head = make_head(options.instruction_set, graph);
  plan.input_offset = offset_of(0);
  plan.input_bytes = graph.input.shape.elements();
  plan.embedding_offset = offset_of(graph.head.input);
  plan.embedding_bytes = graph.tensor(graph.head.input).shape.elements();
  plan.classes = graph.head.classes();
  plan.pointers_offset = layout.bytes;
  plan.arena_bytes = round_up(plan.pointers_offset + pointers);
  return plan;
}

}  // namespace spikescope
