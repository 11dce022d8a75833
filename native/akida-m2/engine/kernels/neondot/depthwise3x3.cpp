#include "kernels.h"

#if SPIKESCOPE_ARM64

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "dot.h"

namespace spikescope::neondot {
namespace {

using neon::OutputStage;

constexpr size_t kStrip = 16;
/** One register per four channels. */
constexpr int kQuads = kStrip / 4;

/** What sixteen channels need; weights for the upper and for the lower of two output rows. */
struct Strip {
  int8_t weights[2][3][kQuads][16];
  int32_t bias[kStrip];
  /** 16 − shift. */
  int32_t left[kStrip];
  int16_t multiplier[kStrip];
  /** A column of padding, as `interleave` makes them. */
  int8_t border[kQuads][16];
};

// Four dot products: sums s0…s3 += a column of values × a column of the kernel.
#define SPIKESCOPE_COLUMN(s0, s1, s2, s3, A, B, C, D)     \
  "sdot v" #s0 ".4s, v" #A ".16b, v8.16b\n\t"             \
  "sdot v" #s1 ".4s, v" #B ".16b, v9.16b\n\t"             \
  "sdot v" #s2 ".4s, v" #C ".16b, v10.16b\n\t"            \
  "sdot v" #s3 ".4s, v" #D ".16b, v11.16b\n\t"
#define SPIKESCOPE_LOAD(A, B, C, D, base, at)             \
  "ldr q" #A ", [" base ", #" #at "]\n\t"                 \
  "ldr q" #B ", [" base ", #" #at " + 16]\n\t"            \
  "ldr q" #C ", [" base ", #" #at " + 32]\n\t"            \
  "ldr q" #D ", [" base ", #" #at " + 48]\n\t"
// Requantisation of the sums s0…s3 to the bytes of `low`, in four parts, so that two pixels can overlap.
#define SPIKESCOPE_SHIFT(s0, s1, s2, s3)                  \
  "sqshl v" #s0 ".4s, v" #s0 ".4s, v12.4s\n\t"            \
  "sqshl v" #s1 ".4s, v" #s1 ".4s, v13.4s\n\t"            \
  "sqshl v" #s2 ".4s, v" #s2 ".4s, v14.4s\n\t"            \
  "sqshl v" #s3 ".4s, v" #s3 ".4s, v15.4s\n\t"
#define SPIKESCOPE_JOIN(s0, s1, s2, s3, low, high)        \
  "ldr q" #low ", [%[stage]]\n\t"                     \
  "ldr q" #high ", [%[stage]]\n\t"                    \
  "uzp2 v" #s0 ".8h, v" #s0 ".8h, v" #s1 ".8h\n\t"        \
  "uzp2 v" #s2 ".8h, v" #s2 ".8h, v" #s3 ".8h\n\t"
#define SPIKESCOPE_SCALE(s0, s2, low, high)               \
  "sqrdmlah v" #low ".8h, v" #s0 ".8h, v28.8h\n\t"        \
  "sqrdmlah v" #high ".8h, v" #s2 ".8h, v29.8h\n\t"
#define SPIKESCOPE_SATURATE(low, high)                    \
  "sqxtun v" #low ".8b, v" #low ".8h\n\t"                 \
  "sqxtun2 v" #low ".16b, v" #high ".8h\n\t"

/**
 * Two pixels beside each other at a time, which share two of their columns; in assembly because compilers move the
 * weights, v16…v27, to memory and back.
 */
void convolve_pairs(const int8_t* columns, size_t pairs, const Strip& strip, const int8_t (*weights)[kQuads][16],
                    const OutputStage& parameters, uint8_t* output, size_t output_step) {
  const int32_t clamps = parameters.clamps ? 1 : 0;
  asm volatile(
      ".arch armv8.2-a+dotprod\n\t"
      SPIKESCOPE_LOAD(16, 17, 18, 19, "%[weights]", 0)
      SPIKESCOPE_LOAD(20, 21, 22, 23, "%[weights]", 64)
      SPIKESCOPE_LOAD(24, 25, 26, 27, "%[weights]", 128)
      SPIKESCOPE_LOAD(12, 13, 14, 15, "%[left]", 0)
      "ldr q28, [%[multiplier]]\n\t"
      "ldr q29, [%[multiplier], #16]\n"
      "0:\n\t"
      SPIKESCOPE_LOAD(0, 1, 2, 3, "%[bias]", 0)
      SPIKESCOPE_LOAD(4, 5, 6, 7, "%[bias]", 0)
      SPIKESCOPE_LOAD(8, 9, 10, 11, "%[columns]", 0)
      SPIKESCOPE_COLUMN(0, 1, 2, 3, 16, 17, 18, 19)
      SPIKESCOPE_LOAD(8, 9, 10, 11, "%[columns]", 64)
      SPIKESCOPE_COLUMN(0, 1, 2, 3, 20, 21, 22, 23)
      SPIKESCOPE_COLUMN(4, 5, 6, 7, 16, 17, 18, 19)
      SPIKESCOPE_LOAD(8, 9, 10, 11, "%[columns]", 128)
      SPIKESCOPE_COLUMN(0, 1, 2, 3, 24, 25, 26, 27)
      SPIKESCOPE_SHIFT(0, 1, 2, 3)
      SPIKESCOPE_COLUMN(4, 5, 6, 7, 20, 21, 22, 23)
      SPIKESCOPE_LOAD(8, 9, 10, 11, "%[columns]", 192)
      SPIKESCOPE_JOIN(0, 1, 2, 3, 30, 31)
      SPIKESCOPE_COLUMN(4, 5, 6, 7, 24, 25, 26, 27)
      SPIKESCOPE_SCALE(0, 2, 30, 31)
      SPIKESCOPE_SHIFT(4, 5, 6, 7)
      SPIKESCOPE_JOIN(4, 5, 6, 7, 10, 11)
      SPIKESCOPE_SATURATE(30, 31)
      SPIKESCOPE_SCALE(4, 6, 10, 11)
      SPIKESCOPE_SATURATE(10, 11)
      "cbz %w[clamps], 1f\n\t"
      "ldr q8, [%[stage], #16]\n\t"
      "ldr q9, [%[stage], #32]\n\t"
      "umax v30.16b, v30.16b, v8.16b\n\t"
      "umax v10.16b, v10.16b, v8.16b\n\t"
      "umin v30.16b, v30.16b, v9.16b\n\t"
      "umin v10.16b, v10.16b, v9.16b\n"
      "1:\n\t"
      "add %[columns], %[columns], #128\n\t"
      "str q30, [%[output]]\n\t"
      "subs %[pairs], %[pairs], #1\n\t"
      "str q10, [%[output], %[output_step]]\n\t"
      "add %[output], %[output], %[output_step], lsl #1\n\t"
      "b.ne 0b\n"
      : [columns] "+r"(columns), [pairs] "+r"(pairs), [output] "+r"(output)
      : [weights] "r"(weights), [bias] "r"(strip.bias), [left] "r"(strip.left), [multiplier] "r"(strip.multiplier),
        [stage] "r"(&parameters), [clamps] "r"(clamps), [output_step] "r"(output_step)
      : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
        "v31");
}

#undef SPIKESCOPE_COLUMN
#undef SPIKESCOPE_LOAD
#undef SPIKESCOPE_SHIFT
#undef SPIKESCOPE_JOIN
#undef SPIKESCOPE_SCALE
#undef SPIKESCOPE_SATURATE

/**
 * Depthwise 3×3 with stride 1: two output rows of sixteen channels at a time.
 *
 * The four input rows that two output rows need are interleaved, so that each 32-bit lane holds the four values of one
 * channel above each other: one dot product then covers a column of the kernel. The upper output row uses the weights
 * (w0, w1, w2, 0), the lower one (0, w0, w1, w2).
 */
class Depthwise3x3Kernel final : public Kernel {
 public:
  Depthwise3x3Kernel(const Tensor& input, const Tensor& output, const Convolution& operation)
      : input_(input.shape),
        output_(output.shape),
        padding_(operation.window.padding),
        channels_(static_cast<size_t>(input.shape.channels)),
        zero_point_(output.zero_point),
        clamp_(operation.clamp),
        strips_(channels_ / kStrip) {
    for (int32_t x = 0; x < input_.width; x++) {
      border_row_.insert(border_row_.end(), operation.padding_values.begin(), operation.padding_values.end());
    }
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point - neon::kSignedOffset);
    for (size_t strip = 0; strip < strips_.size(); strip++) {
      pack(layer, operation.padding_values.data(), strip * kStrip, strips_[strip]);
    }
  }

  size_t scratch_bytes() const override { return static_cast<size_t>(padded_width()) * kColumnBytes; }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const OutputStage parameters = neon::make_output_stage(zero_point_, clamp_);
    auto* const columns = reinterpret_cast<int8_t*>(scratch);
    const size_t output_row = static_cast<size_t>(output_.width) * channels_;
    for (int32_t y = 0; y < output_.height; y += 2, output += 2 * output_row) {
      const std::array<const uint8_t*, 4> rows = {row_at(inputs[0], y), row_at(inputs[0], y + 1),
                                                  row_at(inputs[0], y + 2), row_at(inputs[0], y + 3)};
      for (size_t strip = 0; strip < strips_.size(); strip++) {
        const Strip& parts = strips_[strip];
        uint8_t* const first = output + strip * kStrip;
        interleave(rows, strip * kStrip, parts, columns);
        convolve(columns, parts, parts.weights[0], parameters, first);
        if (y + 1 < output_.height) convolve(columns, parts, parts.weights[1], parameters, first + output_row);
      }
    }
  }

 private:
  static constexpr size_t kColumnBytes = kQuads * 16;

  int32_t padded_width() const { return input_.width + padding_.left + padding_.right; }

  /** Row of the padded input; border rows and rows below it are all border. */
  const uint8_t* row_at(const uint8_t* input, int32_t padded_row) const {
    const int32_t row = padded_row - padding_.top;
    if (row < 0 || row >= input_.height) return border_row_.data();
    return input + static_cast<size_t>(row) * static_cast<size_t>(input_.width) * channels_;
  }

  static int8_t* fill_border(int8_t* column, int32_t count, const Strip& strip) {
    for (int32_t i = 0; i < count; i++) column = std::copy_n(&strip.border[0][0], kColumnBytes, column);
    return column;
  }

  void interleave(const std::array<const uint8_t*, 4>& rows, size_t channel, const Strip& strip,
                  int8_t* column) const {
    column = fill_border(column, padding_.left, strip);
    const size_t step = channels_;
    const size_t end = static_cast<size_t>(input_.width) * step;
    const uint8x16_t offset = neon::signed_offset();
    for (size_t at = channel; at < end; at += step, column += kColumnBytes) {
      const int8x16_t row0 = neon::load_signed(rows[0] + at, offset);
      const int8x16_t row1 = neon::load_signed(rows[1] + at, offset);
      const int8x16_t row2 = neon::load_signed(rows[2] + at, offset);
      const int8x16_t row3 = neon::load_signed(rows[3] + at, offset);
      store_halves(vzip1q_s8(row0, row1), vzip1q_s8(row2, row3), column);
      store_halves(vzip2q_s8(row0, row1), vzip2q_s8(row2, row3), column + 32);
    }
    fill_border(column, padding_.right, strip);
  }

  static SPIKESCOPE_INLINE void store_halves(int8x16_t upper, int8x16_t lower, int8_t* place) {
    const int16x8_t upper_pairs = vreinterpretq_s16_s8(upper);
    const int16x8_t lower_pairs = vreinterpretq_s16_s8(lower);
    vst1q_s8(place, vreinterpretq_s8_s16(vzip1q_s16(upper_pairs, lower_pairs)));
    vst1q_s8(place + 16, vreinterpretq_s8_s16(vzip2q_s16(upper_pairs, lower_pairs)));
  }

  /** One output row. */
  void convolve(const int8_t* columns, const Strip& strip, const int8_t (*weights)[kQuads][16],
                const OutputStage& parameters, uint8_t* output) const {
    const size_t pairs = static_cast<size_t>(output_.width) / 2;
    if (pairs > 0) convolve_pairs(columns, pairs, strip, weights, parameters, output, channels_);
    if (output_.width % 2 == 1) {
      columns += pairs * 2 * kColumnBytes;
      output += pairs * 2 * channels_;
      Dot::Sum sums[kQuads];
      sum_one(columns, strip.bias, weights, sums, std::make_integer_sequence<int, kQuads>());
      neon::store_bytes(output, requantise(sums, strip, parameters), kStrip);
    }
  }

  template <int... Q>
  static SPIKESCOPE_INLINE void sum_one(const int8_t* columns, const int32_t* bias, const int8_t (*weights)[kQuads][16],
                                        Dot::Sum* sums, std::integer_sequence<int, Q...>) {
    ((sums[Q] = Dot::start(bias + 4 * Q)), ...);
    (Dot::add(sums[Q], vld1q_s8(weights[0][Q]), vld1q_s8(columns + 16 * Q)), ...);
    (Dot::add(sums[Q], vld1q_s8(weights[1][Q]), vld1q_s8(columns + kColumnBytes + 16 * Q)), ...);
    (Dot::add(sums[Q], vld1q_s8(weights[2][Q]), vld1q_s8(columns + 2 * kColumnBytes + 16 * Q)), ...);
  }

  static SPIKESCOPE_INLINE uint8x16_t requantise(const Dot::Sum* sums, const Strip& strip,
                                                 const OutputStage& parameters) {
    const int16x8_t low =
        neon::narrow(sums[0].value, sums[1].value, vld1q_s32(strip.left), vld1q_s32(strip.left + 4));
    const int16x8_t high =
        neon::narrow(sums[2].value, sums[3].value, vld1q_s32(strip.left + 8), vld1q_s32(strip.left + 12));
    return neon::output_bytes(vqrdmulhq_s16(low, vld1q_s16(strip.multiplier)),
                              vqrdmulhq_s16(high, vld1q_s16(strip.multiplier + 8)), parameters);
  }

  static void pack(const LayerRows& layer, const uint8_t* padding_values, size_t first, Strip& strip) {
    for (size_t lane = 0; lane < kStrip; lane++) {
      const size_t channel = first + lane;
      const size_t byte = lane % 4 * 4;
      strip.bias[lane] = folded_bias(layer, static_cast<int32_t>(channel));
      strip.left[lane] = 16 - layer.shift[channel];
      strip.multiplier[lane] = layer.multiplier[channel];
      for (size_t row = 0; row < 4; row++) {
        strip.border[lane / 4][byte + row] = static_cast<int8_t>(padding_values[channel] - neon::kSignedOffset);
      }
      for (size_t kx = 0; kx < 3; kx++) {
        for (size_t ky = 0; ky < 3; ky++) {
          const int8_t weight = layer.weights[channel * 9 + ky * 3 + kx];
          strip.weights[0][kx][lane / 4][byte + ky] = weight;
          strip.weights[1][kx][lane / 4][byte + ky + 1] = weight;
        }
      }
    }
  }

  const Shape input_;
  const Shape output_;
  const Padding padding_;
  const size_t channels_;
  const int32_t zero_point_;
  const Clamp clamp_;
  /** Zero where nothing is packed. */
  std::vector<Strip> strips_;
  std::vector<uint8_t> border_row_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise3x3(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (!is_unstrided_depthwise3x3(input, node, operation) || node.output.shape.channels % kStrip != 0 ||
      node.output_stride != 0) {
    return nullptr;
  }
  return std::make_unique<Depthwise3x3Kernel>(input, node.output, operation);
}

}  // namespace spikescope::neondot

#endif
