#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/**
 * The integer graph as the engine knows it: src/model/graph.ts with names resolved to tensor numbers.
 * Tensor 0 is the graph's input; node i makes tensor i + 1. Whoever builds one has checked it (see
 * validate.h); everything that reads it trusts it.
 */
namespace spikescope {

struct Shape {
  int32_t height = 0;
  int32_t width = 0;
  int32_t channels = 0;

  size_t elements() const {
    return static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(channels);
  }
  bool operator==(const Shape& other) const {
    return height == other.height && width == other.width && channels == other.channels;
  }
};

/** uint8, height × width × channels; real = scale × (q − zero_point). */
struct Tensor {
  Shape shape;
  int32_t zero_point = 0;
  double scale = 1;
};

struct Padding {
  int32_t top = 0;
  int32_t left = 0;
  int32_t bottom = 0;
  int32_t right = 0;

  bool none() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
};

/** A window that slides over a padded tensor. */
struct Window {
  int32_t kernel_height = 1;
  int32_t kernel_width = 1;
  int32_t stride_height = 1;
  int32_t stride_width = 1;
  Padding padding;

  int32_t area() const { return kernel_height * kernel_width; }
};

struct Clamp {
  int32_t minimum = 0;
  int32_t maximum = 255;
};

struct Requantisation {
  std::vector<int16_t> multiplier;
  std::vector<uint8_t> shift;
};

/** Weights: [output channel][kernel row][kernel column][input channel within the group]. */
struct Convolution {
  Window window;
  int32_t groups = 1;
  std::vector<uint8_t> padding_values;
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  Requantisation requantisation;
  Clamp clamp;
};

/** Weights: [output][input]. */
struct Dense {
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;
  Requantisation requantisation;
  Clamp clamp;
};

struct Add {
  std::vector<int16_t> multipliers;
  int32_t shift = 0;
  Clamp clamp;
};

struct Concat {
  /** Per input, whether its maker writes it straight into the output; empty where none does. Set by the plan. */
  std::vector<bool> in_place;
};

/** Inputs: value, gate. */
struct Multiply {
  Requantisation requantisation;
  Clamp clamp;
};

struct Table {
  std::vector<uint8_t> table;
};

struct AveragePool {
  Window window;
  Requantisation requantisation;
  Clamp clamp;
};

struct MaxPool {
  Window window;
};

struct Flatten {};

struct Pad {
  Padding padding;
};

/** output[y][x][c] = input[rows[y]][columns[x]][channels[c]]; any may be left out, repeated or in another order. */
struct Select {
  std::vector<int32_t> rows;
  std::vector<int32_t> columns;
  std::vector<int32_t> channels;
};

/** The largest, or the smallest, of the inputs' values, place by place. */
struct Extremum {
  bool is_maximum = true;
};

/** The largest value of all channels of a pixel. */
struct ChannelMaximum {};

using Operation = std::variant<Convolution, Dense, Add, Concat, Multiply, Table, AveragePool, MaxPool, Flatten, Pad, Select,
                               Extremum, ChannelMaximum>;

struct Node {
  std::string name;
  std::vector<size_t> inputs;
  Operation operation;
  Tensor output;
  /** Bytes from one output pixel to the next where the output is written into a wider tensor; 0 where it is not. */
  size_t output_stride = 0;

  size_t pixel_stride() const {
    return output_stride == 0 ? static_cast<size_t>(output.shape.channels) : output_stride;
  }
};

/** Weights: [class][embedding element]; potentials are never requantised. */
struct Head {
  size_t input = 0;
  std::vector<int8_t> weights;
  std::vector<int32_t> bias;

  size_t classes() const { return bias.size(); }
};

struct Graph {
  Tensor input;
  std::vector<Node> nodes;
  Head head;

  size_t tensor_count() const { return nodes.size() + 1; }
  const Tensor& tensor(size_t number) const { return number == 0 ? input : nodes[number - 1].output; }
};

}  // namespace spikescope
