#include "fusion.h"

namespace spikescope {
namespace {

/** The only node that reads each tensor; none where there are several, or the head does. */
std::vector<std::optional<size_t>> only_readers_of(const Graph& graph) {
  const std::vector<size_t> readers = readers_of(graph);
  std::vector<std::optional<size_t>> only(graph.tensor_count());
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    for (const size_t input : graph.nodes[i].inputs) {
      if (readers[input] == 1) only[input] = i;
    }
  }
  return only;
}

/** Whether `node` joins two different tensors of one shape element by element. */
bool joins(const Graph& graph, const Node& node) {
  const bool kind = std::holds_alternative<Multiply>(node.operation) || std::holds_alternative<Add>(node.operation);
  return kind && node.inputs.size() == 2 && node.inputs[0] != node.inputs[1] &&
         graph.tensor(node.inputs[0]).shape == graph.tensor(node.inputs[1]).shape;
}

}  // namespace

std::vector<size_t> readers_of(const Graph& graph) {
  std::vector<size_t> readers(graph.tensor_count());
  for (const Node& node : graph.nodes) {
    for (const size_t input : node.inputs) readers[input]++;
  }
  readers[graph.head.input]++;
  return readers;
}

std::vector<size_t> Fusion::nodes() const {
  std::vector<size_t> numbers{convolution};
  if (table) numbers.push_back(*table);
  if (joining) numbers.push_back(*joining);
  return numbers;
}

std::vector<Fusion> find_fusions(const Graph& graph) {
  const std::vector<std::optional<size_t>> only_reader = only_readers_of(graph);
  std::vector<bool> taken(graph.nodes.size());
  std::vector<Fusion> fusions;
  for (size_t i = 0; i < graph.nodes.size(); i++) {
    const auto* const convolution = std::get_if<Convolution>(&graph.nodes[i].operation);
    if (convolution == nullptr || convolution->groups != 1) continue;
    Fusion fusion;
    fusion.convolution = i;
    size_t last = i;
    std::optional<size_t> next = only_reader[last + 1];
    if (next && std::holds_alternative<Table>(graph.nodes[*next].operation)) {
      fusion.table = next;
      last = *next;
      next = only_reader[last + 1];
    }
    if (next && !taken[*next] && joins(graph, graph.nodes[*next])) {
      const std::vector<size_t>& inputs = graph.nodes[*next].inputs;
      fusion.joining = next;
      fusion.operand = inputs[inputs[0] == last + 1 ? 1 : 0];
    }
    for (const size_t node : fusion.nodes()) taken[node] = true;
    if (fusion.table || fusion.joining) fusions.push_back(fusion);
  }
  return fusions;
}

}  // namespace spikescope
