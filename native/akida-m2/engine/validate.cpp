#include "validate.h"

#include <algorithm>
#include <cstdlib>

#include "fault.h"

namespace spikescope {
namespace {

/** Checks one node; `where` carries its name into every message. */
class NodeCheck {
 public:
  NodeCheck(const Graph& graph, const Node& node) : graph_(graph), node_(node), output_(node.output.shape) {}

  void operator()(const Convolution& operation) const {
    const Shape input = shape_of(0);
    check_window(operation.window);
    require(operation.groups >= 1, "groups", "one group or more is needed");
    require(input.channels % operation.groups == 0 && output_.channels % operation.groups == 0, "groups",
            "the groups must divide the input's and the output's channels");
    const size_t per_channel = static_cast<size_t>(operation.window.kernel_height) *
                               static_cast<size_t>(operation.window.kernel_width) *
                               static_cast<size_t>(input.channels / operation.groups);
    const auto channels = static_cast<size_t>(output_.channels);
    check_length(operation.padding_values.size(), static_cast<size_t>(input.channels), "paddingValues");
    check_length(operation.weights.size(), per_channel * channels, "weights");
    check_length(operation.bias.size(), channels, "bias");
    check_requantisation(operation.requantisation, channels);
    check_clamp(operation.clamp);
    check_accumulators(operation.weights, operation.bias, graph_.tensor(node_.inputs[0]).zero_point, node_.name);
  }

  void operator()(const Dense& operation) const {
    require(output_.height == 1 && output_.width == 1, "output", "a dense layer makes a 1×1×n tensor");
    const auto outputs = static_cast<size_t>(output_.channels);
    check_length(operation.weights.size(), shape_of(0).elements() * outputs, "weights");
    check_length(operation.bias.size(), outputs, "bias");
    check_requantisation(operation.requantisation, outputs);
    check_clamp(operation.clamp);
    check_accumulators(operation.weights, operation.bias, graph_.tensor(node_.inputs[0]).zero_point, node_.name);
  }

  void operator()(const Add& operation) const {
    check_length(operation.multipliers.size(), node_.inputs.size(), "multipliers");
    check_shift(operation.shift, "shift");
    check_clamp(operation.clamp);
    int64_t bound = 0;
    for (size_t i = 0; i < node_.inputs.size(); i++) {
      require(shape_of(i) == output_, "inputs", "every input of an add must have the output's shape");
      require(operation.multipliers[i] >= 0, "multipliers", "multipliers lie in 0…32767");
      bound += int64_t{255} * operation.multipliers[i];
    }
    check_bound(bound, node_.name);
  }

  void operator()(const Concat&) const {
    int64_t channels = 0;
    for (size_t i = 0; i < node_.inputs.size(); i++) {
      const Tensor& input = graph_.tensor(node_.inputs[i]);
      require(input.shape.height == output_.height && input.shape.width == output_.width, "inputs",
              "every input of a concat must have the output's height and width");
      check_same_quantisation(input);
      channels += input.shape.channels;
    }
    require(channels == output_.channels, "output", "the output's channels must be the sum of the inputs'");
  }

  void operator()(const Multiply& operation) const {
    const Shape input = shape_of(0);
    const Shape gate = shape_of(1);
    require(input == output_, "output", "a multiply keeps its input's shape");
    require(gate == input || (gate.height == 1 && gate.width == 1 && gate.channels == input.channels), "gate",
            "a gate has its input's shape or is 1×1×channels");
    check_requantisation(operation.requantisation, 1);
    check_clamp(operation.clamp);
  }

  void operator()(const Table& operation) const {
    require(shape_of(0) == output_, "output", "a table keeps its input's shape");
    check_length(operation.table.size(), 256, "table");
  }

  void operator()(const AveragePool& operation) const {
    check_window(operation.window);
    require(shape_of(0).channels == output_.channels, "output", "a pool keeps its input's channels");
    const auto area = static_cast<size_t>(operation.window.area());
    const size_t entries = operation.requantisation.multiplier.size();
    require(entries == 1 || entries == area, "requantisation",
            "an average pool needs one entry, or one per number of pixels");
    check_requantisation(operation.requantisation, entries);
    check_clamp(operation.clamp);
    check_windows_meet_image(operation.window);
    check_bound(static_cast<int64_t>(area) * 255, node_.name);
  }

  void operator()(const MaxPool& operation) const {
    check_window(operation.window);
    require(shape_of(0).channels == output_.channels, "output", "a pool keeps its input's channels");
    check_same_quantisation(graph_.tensor(node_.inputs[0]));
    check_windows_meet_image(operation.window);
  }

  void operator()(const Flatten&) const {
    require(output_.height == 1 && output_.width == 1 && output_.elements() == shape_of(0).elements(), "output",
            "a flatten makes 1×1×(height × width × channels)");
    check_same_quantisation(graph_.tensor(node_.inputs[0]));
  }

  void operator()(const Pad& operation) const {
    const Shape input = shape_of(0);
    check_padding(operation.padding);
    require(output_.height == input.height + operation.padding.top + operation.padding.bottom &&
                output_.width == input.width + operation.padding.left + operation.padding.right &&
                output_.channels == input.channels,
            "output", "the output's shape must be the input's plus the border");
    check_same_quantisation(graph_.tensor(node_.inputs[0]));
  }

  void operator()(const Select& operation) const {
    const Shape input = shape_of(0);
    check_choice(operation.rows, output_.height, input.height, "rows");
    check_choice(operation.columns, output_.width, input.width, "columns");
    check_choice(operation.channels, output_.channels, input.channels, "channels");
    check_same_quantisation(graph_.tensor(node_.inputs[0]));
  }

  void operator()(const Extremum&) const {
    for (size_t i = 0; i < node_.inputs.size(); i++) {
      require(shape_of(i) == output_, "inputs", "every input of an extremum must have the output's shape");
      check_same_quantisation(graph_.tensor(node_.inputs[i]));
    }
  }

  void operator()(const ChannelMaximum&) const {
    const Shape input = shape_of(0);
    require(output_.height == input.height && output_.width == input.width && output_.channels == 1, "output",
            "a maximum over channels makes one channel of the input's height and width");
    check_same_quantisation(graph_.tensor(node_.inputs[0]));
  }

  void check_tensor(const Tensor& tensor) const {
    const Shape& shape = tensor.shape;
    for (const int32_t extent : {shape.height, shape.width, shape.channels}) {
      require(extent >= 1 && extent <= kExtentLimit, "output.shape", "every extent must lie in 1…2^24");
    }
    require(int64_t{shape.height} * shape.width <= kElementLimit &&
                int64_t{shape.height} * shape.width * shape.channels <= kElementLimit,
            "output.shape", "a tensor may hold 2^26 values at most");
    require(tensor.zero_point >= 0 && tensor.zero_point <= 255, "output.quantisation.zeroPoint",
            "a zero point lies in 0…255");
  }

  void check_accumulators(const std::vector<int8_t>& weights, const std::vector<int32_t>& bias, int32_t zero_point,
                          const std::string& name) const {
    const int64_t reach = std::max(zero_point, 255 - zero_point);
    const size_t length = weights.size() / bias.size();
    for (size_t channel = 0; channel < bias.size(); channel++) {
      int64_t magnitude = 0;
      for (size_t i = 0; i < length; i++) magnitude += std::abs(int{weights[channel * length + i]});
      check_bound(std::llabs(int64_t{bias[channel]}) + magnitude * reach, name);
    }
  }

  void check_length(size_t length, size_t expected, const char* field) const {
    if (length != expected) {
      fail(field, "expected " + std::to_string(expected) + " values, received " + std::to_string(length));
    }
  }

 private:
  Shape shape_of(size_t input) const { return graph_.tensor(node_.inputs[input]).shape; }

  void require(bool condition, const char* field, const char* rule) const {
    if (!condition) fail(field, rule);
  }

  [[noreturn]] void fail(const char* field, const std::string& rule) const {
    throw Fault("GRAPH_INVALID", rule, node_.name, field);
  }

  void check_choice(const std::vector<int32_t>& choice, int32_t count, int32_t extent, const char* field) const {
    check_length(choice.size(), static_cast<size_t>(count), field);
    for (const int32_t place : choice) require(place >= 0 && place < extent, field, "a choice lies within the input");
  }

  void check_bound(int64_t bound, const std::string& name) const {
    if (bound > kAccumulatorLimit) {
      throw Fault("GRAPH_ACCUMULATOR",
                  "an accumulator could reach " + std::to_string(bound) + ", beyond the limit of 2^30", name);
    }
  }

  void check_padding(const Padding& padding) const {
    for (const int32_t side : {padding.top, padding.left, padding.bottom, padding.right}) {
      require(side >= 0 && side <= kExtentLimit, "padding", "padding must lie in 0…2^24");
    }
  }

  void check_window(const Window& window) const {
    check_padding(window.padding);
    for (const int32_t extent :
         {window.kernel_height, window.kernel_width, window.stride_height, window.stride_width}) {
      require(extent >= 1 && extent <= kExtentLimit, "kernel", "kernel and stride must lie in 1…2^24");
    }
    require(int64_t{window.kernel_height} * window.kernel_width <= kExtentLimit, "kernel",
            "a kernel may have 2^24 elements at most");
    const Shape input = shape_of(0);
    check_extent(int64_t{input.height} + window.padding.top + window.padding.bottom, window.kernel_height,
                 window.stride_height, output_.height);
    check_extent(int64_t{input.width} + window.padding.left + window.padding.right, window.kernel_width,
                 window.stride_width, output_.width);
    require((int64_t{input.height} + window.padding.top + window.padding.bottom) *
                    (int64_t{input.width} + window.padding.left + window.padding.right) * input.channels <=
                kElementLimit,
            "padding", "the padded input may hold 2^26 values at most");
  }

  /** Every window lies in the padded input. */
  void check_extent(int64_t padded, int64_t kernel, int64_t stride, int64_t output) const {
    require((output - 1) * stride + kernel <= padded, "output.shape", "a window reaches beyond the padded input");
  }

  void check_windows_meet_image(const Window& window) const {
    check_meeting(window.padding.top, window.kernel_height, window.stride_height, shape_of(0).height, output_.height);
    check_meeting(window.padding.left, window.kernel_width, window.stride_width, shape_of(0).width, output_.width);
  }

  void check_meeting(int64_t before, int64_t kernel, int64_t stride, int64_t extent, int64_t output) const {
    require(before < kernel && (output - 1) * stride - before < extent, "padding",
            "every window of a pool must hold at least one pixel of the image");
  }

  void check_clamp(const Clamp& clamp) const {
    require(0 <= clamp.minimum && clamp.minimum <= clamp.maximum && clamp.maximum <= 255, "clamp",
            "0 ≤ minimum ≤ maximum ≤ 255 must hold");
  }

  void check_shift(int32_t shift, const char* field) const {
    require(shift >= 0 && shift <= 30, field, "a shift lies in 0…30");
  }

  void check_requantisation(const Requantisation& requantisation, size_t entries) const {
    check_length(requantisation.multiplier.size(), entries, "requantisation.multiplier");
    check_length(requantisation.shift.size(), entries, "requantisation.shift");
    for (const int16_t multiplier : requantisation.multiplier) {
      require(multiplier >= 1, "requantisation.multiplier", "a multiplier lies in 1…32767");
    }
    for (const uint8_t shift : requantisation.shift) check_shift(shift, "requantisation.shift");
  }

  void check_same_quantisation(const Tensor& input) const {
    require(input.zero_point == node_.output.zero_point && input.scale == node_.output.scale, "output.quantisation",
            "this operator keeps its input's quantisation");
  }

  const Graph& graph_;
  const Node& node_;
  const Shape output_;
};

size_t expected_inputs(const Operation& operation, size_t present) {
  if (std::holds_alternative<Multiply>(operation)) return 2;
  const bool any = std::holds_alternative<Add>(operation) || std::holds_alternative<Concat>(operation) ||
                   std::holds_alternative<Extremum>(operation);
  return any ? std::max<size_t>(present, 1) : 1;
}

}  // namespace

void validate(const Graph& graph) {
  const Node input{"input", {}, Flatten{}, graph.input};
  NodeCheck(graph, input).check_tensor(graph.input);
  auto total = static_cast<int64_t>(graph.input.shape.elements());
  for (const Node& node : graph.nodes) {
    const NodeCheck check(graph, node);
    check.check_tensor(node.output);
    total += static_cast<int64_t>(node.output.shape.elements());
    if (total > kTotalLimit) throw Fault("GRAPH_INVALID", "all tensors together may hold 2^28 values", node.name);
    check.check_length(node.inputs.size(), expected_inputs(node.operation, node.inputs.size()), "inputs");
    std::visit(check, node.operation);
  }
  const Node head{"head", {}, Flatten{}, graph.tensor(graph.head.input)};
  const NodeCheck check(graph, head);
  if (graph.head.bias.empty()) throw Fault("GRAPH_INVALID", "a head needs one class or more", "head", "bias");
  check.check_length(graph.head.weights.size(), head.output.shape.elements() * graph.head.classes(), "weights");
  check.check_accumulators(graph.head.weights, graph.head.bias, head.output.zero_point, "head");
}

}  // namespace spikescope
