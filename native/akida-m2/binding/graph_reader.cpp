#include "graph_reader.h"

#include <string>
#include <unordered_map>

#include "../engine/fault.h"
#include "../engine/validate.h"
#include "values.h"

namespace spikescope::binding {
namespace {

using TensorNumbers = std::unordered_map<std::string, size_t>;

int32_t read_extent(const Napi::Value& value, int64_t minimum, const Place& place) {
  return static_cast<int32_t>(read_integer(value, minimum, kExtentLimit, place));
}

/** Reads the fields of one node. */
class NodeReader {
 public:
  NodeReader(const Napi::Object& object, std::string name, const TensorNumbers& tensors)
      : object_(object), name_(std::move(name)), tensors_(tensors) {}

  Tensor tensor(const char* key) const {
    const Napi::Object tensor = read_object(object_, key, name_);
    const Napi::Array shape = read_array(tensor.Get("shape"), at("shape"));
    if (shape.Length() != 3) throw Fault("GRAPH_INVALID", "a shape is height, width, channels", name_, "shape");
    const Napi::Object quantisation = read_object(tensor, "quantisation", name_);
    Tensor result;
    result.shape.height = read_extent(shape.Get(uint32_t{0}), 1, at("shape"));
    result.shape.width = read_extent(shape.Get(uint32_t{1}), 1, at("shape"));
    result.shape.channels = read_extent(shape.Get(uint32_t{2}), 1, at("shape"));
    result.zero_point = static_cast<int32_t>(read_integer(quantisation.Get("zeroPoint"), 0, 255, at("zeroPoint")));
    result.scale = read_positive(quantisation.Get("scale"), at("scale"));
    return result;
  }

  size_t input(const char* key) const { return number_of(object_.Get(key), key); }

  std::vector<size_t> inputs() const {
    const Napi::Array names = read_array(object_.Get("inputs"), at("inputs"));
    std::vector<size_t> numbers;
    for (uint32_t i = 0; i < names.Length(); i++) numbers.push_back(number_of(names.Get(i), "inputs"));
    return numbers;
  }

  Padding padding() const {
    const Napi::Object padding = read_object(object_, "padding", name_);
    return {read_extent(padding.Get("top"), 0, at("padding.top")),
            read_extent(padding.Get("left"), 0, at("padding.left")),
            read_extent(padding.Get("bottom"), 0, at("padding.bottom")),
            read_extent(padding.Get("right"), 0, at("padding.right"))};
  }

  Window window() const {
    Window window;
    pair("kernel", window.kernel_height, window.kernel_width);
    pair("stride", window.stride_height, window.stride_width);
    window.padding = padding();
    return window;
  }

  Clamp clamp() const {
    const Napi::Object clamp = read_object(object_, "clamp", name_);
    return {static_cast<int32_t>(read_integer(clamp.Get("minimum"), 0, 255, at("clamp.minimum"))),
            static_cast<int32_t>(read_integer(clamp.Get("maximum"), 0, 255, at("clamp.maximum")))};
  }

  Requantisation requantisation() const {
    const Napi::Object requantisation = read_object(object_, "requantisation", name_);
    return {read_int16(requantisation.Get("multiplier"), at("requantisation.multiplier")),
            read_uint8(requantisation.Get("shift"), at("requantisation.shift"))};
  }

  int32_t integer(const char* key, int64_t minimum, int64_t maximum) const {
    return static_cast<int32_t>(read_integer(object_.Get(key), minimum, maximum, at(key)));
  }

  /** Whether a word is the first of the two that it may be. */
  bool is(const char* key, const char* first, const char* second) const {
    const std::string word = read_string(object_.Get(key), at(key));
    if (word != first && word != second) throw Fault("GRAPH_INVALID", "a word that is not known here", name_, key);
    return word == first;
  }

  std::vector<int8_t> weights() const { return read_int8(object_.Get("weights"), at("weights")); }
  std::vector<int32_t> bias() const { return read_int32(object_.Get("bias"), at("bias")); }
  std::vector<int16_t> int16(const char* key) const { return read_int16(object_.Get(key), at(key)); }
  std::vector<int32_t> int32(const char* key) const { return read_int32(object_.Get(key), at(key)); }
  std::vector<uint8_t> uint8(const char* key) const { return read_uint8(object_.Get(key), at(key)); }

 private:
  Place at(const char* field) const { return {name_, field}; }

  size_t number_of(const Napi::Value& value, const char* field) const {
    const std::string input = read_string(value, at(field));
    const auto found = tensors_.find(input);
    if (found == tensors_.end()) {
      throw Fault("GRAPH_INVALID", "no earlier tensor is named '" + input + "'", name_, field);
    }
    return found->second;
  }

  void pair(const char* key, int32_t& height, int32_t& width) const {
    const Napi::Array values = read_array(object_.Get(key), at(key));
    if (values.Length() != 2) throw Fault("GRAPH_INVALID", "expected height and width", name_, key);
    height = read_extent(values.Get(uint32_t{0}), 1, at(key));
    width = read_extent(values.Get(uint32_t{1}), 1, at(key));
  }

  const Napi::Object object_;
  const std::string name_;
  const TensorNumbers& tensors_;
};

Operation read_operation(const std::string& op, const NodeReader& reader, const std::string& name) {
  if (op == "convolution") {
    return Convolution{reader.window(),  reader.integer("groups", 1, kExtentLimit), reader.uint8("paddingValues"),
                       reader.weights(), reader.bias(), reader.requantisation(), reader.clamp()};
  }
  if (op == "dense") return Dense{reader.weights(), reader.bias(), reader.requantisation(), reader.clamp()};
  if (op == "add") return Add{reader.int16("multipliers"), reader.integer("shift", 0, 30), reader.clamp()};
  if (op == "concat") return Concat{{}};
  if (op == "multiply") return Multiply{reader.requantisation(), reader.clamp()};
  if (op == "table") return Table{reader.uint8("table")};
  if (op == "averagePool") return AveragePool{reader.window(), reader.requantisation(), reader.clamp()};
  if (op == "maxPool") return MaxPool{reader.window()};
  if (op == "flatten") return Flatten{};
  if (op == "pad") return Pad{reader.padding()};
  if (op == "select") return Select{reader.int32("rows"), reader.int32("columns"), reader.int32("channels")};
  if (op == "extremum") return Extremum{reader.is("kind", "maximum", "minimum")};
  if (op == "channelMaximum") return ChannelMaximum{};
  throw Fault("GRAPH_INVALID", "the engine knows no operator '" + op + "'", name, "op");
}

std::vector<size_t> read_inputs(const std::string& op, const NodeReader& reader) {
  if (op == "add" || op == "concat" || op == "extremum") return reader.inputs();
  if (op == "multiply") return {reader.input("input"), reader.input("gate")};
  return {reader.input("input")};
}

Node read_node(const Napi::Value& value, const TensorNumbers& tensors) {
  if (!value.IsObject()) throw Fault("GRAPH_INVALID", "expected an object", "", "nodes");
  const auto object = value.As<Napi::Object>();
  Node node;
  node.name = read_string(object.Get("name"), {"", "nodes.name"});
  const std::string op = read_string(object.Get("op"), {node.name, "op"});
  const NodeReader reader(object, node.name, tensors);
  node.operation = read_operation(op, reader, node.name);
  node.inputs = read_inputs(op, reader);
  node.output = reader.tensor("output");
  return node;
}

}  // namespace

Graph read_graph(const Napi::Value& value) {
  if (!value.IsObject()) throw Fault("GRAPH_INVALID", "expected a graph");
  const auto object = value.As<Napi::Object>();
  TensorNumbers tensors{{"input", 0}};
  Graph graph;
  graph.input = NodeReader(object, "input", tensors).tensor("input");
  const Napi::Array nodes = read_array(object.Get("nodes"), {"", "nodes"});
  for (uint32_t i = 0; i < nodes.Length(); i++) {
    const Napi::HandleScope scope(object.Env());
    Node node = read_node(nodes.Get(i), tensors);
    if (!tensors.emplace(node.name, i + 1).second) {
      throw Fault("GRAPH_INVALID", "a name already taken", node.name, "name");
    }
    graph.nodes.push_back(std::move(node));
  }
  const NodeReader head(read_object(object, "head", "head"), "head", tensors);
  graph.head = {head.input("input"), head.weights(), head.bias()};
  return graph;
}

}  // namespace spikescope::binding
