#pragma once

#include "../neon/matrix.h"

#if SPIKESCOPE_ARM64

#include "dot.h"

/**
 * Tiles of four pixels × sixteen channels in assembly, from bias to bytes: compilers move their 32 registers to memory
 * and back. Pixel p's sums are v(4p)…v(4p + 3), its sixteen activations v(16 + p), the weights of two words v20…v27.
 */
namespace spikescope::neon {

// Pixel's sums s0…s3 += word `lane` of its values × the weights of sixteen channels.
#define SPIKESCOPE_DOT(s0, s1, s2, s3, values, A, B, C, D, lane)        \
  "sdot v" #s0 ".4s, v" #A ".16b, v" #values ".4b[" #lane "]\n\t"       \
  "sdot v" #s1 ".4s, v" #B ".16b, v" #values ".4b[" #lane "]\n\t"       \
  "sdot v" #s2 ".4s, v" #C ".16b, v" #values ".4b[" #lane "]\n\t"       \
  "sdot v" #s3 ".4s, v" #D ".16b, v" #values ".4b[" #lane "]\n\t"
#define SPIKESCOPE_DOT_WORD(A, B, C, D, lane)                           \
  SPIKESCOPE_DOT(0, 1, 2, 3, 16, A, B, C, D, lane)                      \
  SPIKESCOPE_DOT(4, 5, 6, 7, 17, A, B, C, D, lane)                      \
  SPIKESCOPE_DOT(8, 9, 10, 11, 18, A, B, C, D, lane)                    \
  SPIKESCOPE_DOT(12, 13, 14, 15, 19, A, B, C, D, lane)
// Two words, pixel by pixel, so that the first pixel is ready while the last is still summed.
#define SPIKESCOPE_DOT_WORDS(lane, next)                                \
  SPIKESCOPE_DOT(0, 1, 2, 3, 16, 20, 21, 22, 23, lane)                  \
  SPIKESCOPE_DOT(0, 1, 2, 3, 16, 24, 25, 26, 27, next)                  \
  SPIKESCOPE_DOT(4, 5, 6, 7, 17, 20, 21, 22, 23, lane)                  \
  SPIKESCOPE_DOT(4, 5, 6, 7, 17, 24, 25, 26, 27, next)                  \
  SPIKESCOPE_DOT(8, 9, 10, 11, 18, 20, 21, 22, 23, lane)                \
  SPIKESCOPE_DOT(8, 9, 10, 11, 18, 24, 25, 26, 27, next)                \
  SPIKESCOPE_DOT(12, 13, 14, 15, 19, 20, 21, 22, 23, lane)              \
  SPIKESCOPE_DOT(12, 13, 14, 15, 19, 24, 25, 26, 27, next)
// Four registers from an address on.
#define SPIKESCOPE_LOAD(A, B, C, D, base, at)                           \
  "ldr q" #A ", [" base ", #" #at "]\n\t"                               \
  "ldr q" #B ", [" base ", #" #at " + 16]\n\t"                          \
  "ldr q" #C ", [" base ", #" #at " + 32]\n\t"                          \
  "ldr q" #D ", [" base ", #" #at " + 48]\n\t"
// Sixteen activations of every window, less 128.
#define SPIKESCOPE_LOAD_VALUES                                          \
  "ldr q16, [x9, x13]\n\t"                                              \
  "ldr q17, [x10, x13]\n\t"                                             \
  "ldr q18, [x11, x13]\n\t"                                             \
  "ldr q19, [x12, x13]\n\t"                                             \
  "eor v16.16b, v16.16b, v28.16b\n\t"                                   \
  "eor v17.16b, v17.16b, v28.16b\n\t"                                   \
  "eor v18.16b, v18.16b, v28.16b\n\t"                                   \
  "eor v19.16b, v19.16b, v28.16b\n\t"
// Requantisation of the sums s0…s3 to the bytes of s0, in four parts, so that pixels can overlap.
#define SPIKESCOPE_SHIFT(s0, s1, s2, s3)                                \
  "sqshl v" #s0 ".4s, v" #s0 ".4s, v20.4s\n\t"                          \
  "sqshl v" #s1 ".4s, v" #s1 ".4s, v21.4s\n\t"                          \
  "sqshl v" #s2 ".4s, v" #s2 ".4s, v22.4s\n\t"                          \
  "sqshl v" #s3 ".4s, v" #s3 ".4s, v23.4s\n\t"
#define SPIKESCOPE_JOIN(s0, s1, s2, s3)                                 \
  "uzp2 v" #s0 ".8h, v" #s0 ".8h, v" #s1 ".8h\n\t"                      \
  "uzp2 v" #s2 ".8h, v" #s2 ".8h, v" #s3 ".8h\n\t"                      \
  "ldr q" #s1 ", [%[stage]]\n\t"                                    \
  "ldr q" #s3 ", [%[stage]]\n\t"
#define SPIKESCOPE_SCALE(s0, s1, s2, s3)                                \
  "sqrdmlah v" #s1 ".8h, v" #s0 ".8h, v24.8h\n\t"                       \
  "sqrdmlah v" #s3 ".8h, v" #s2 ".8h, v25.8h\n\t"
#define SPIKESCOPE_SATURATE(s0, s1, s3)                                 \
  "sqxtun v" #s0 ".8b, v" #s1 ".8h\n\t"                                 \
  "sqxtun2 v" #s0 ".16b, v" #s3 ".8h\n\t"
#define SPIKESCOPE_CLAMP(bytes)                                         \
  "umax v" #bytes ".16b, v" #bytes ".16b, v16.16b\n\t"                  \
  "umin v" #bytes ".16b, v" #bytes ".16b, v17.16b\n\t"

template <>
struct Tiles<neondot::Dot, 4, 4> {
  static SPIKESCOPE_INLINE void run(const StridedPixels& places, size_t tiles, const ChannelBlock& block,
                                    const MatrixShape& shape, const OutputStage& parameters) {
    const uint8_t* window = places.first_window;
    uint8_t* output = places.first_output + block.first;
    const int32_t clamps = parameters.clamps ? 1 : 0;
    asm volatile(
        ".arch armv8.2-a+dotprod\n\t"
        "movi v28.16b, #128\n"
        "0:\n\t"  // each tile
        SPIKESCOPE_LOAD(0, 1, 2, 3, "%[bias]", 0)
        SPIKESCOPE_LOAD(4, 5, 6, 7, "%[bias]", 0)
        SPIKESCOPE_LOAD(8, 9, 10, 11, "%[bias]", 0)
        SPIKESCOPE_LOAD(12, 13, 14, 15, "%[bias]", 0)
        "mov x15, %[weights]\n\t"
        "mov x16, %[run_offsets]\n\t"
        "mov w17, %w[runs]\n"
        "1:\n\t"  // each run
        "ldr x9, [x16], #8\n\t"
        "subs w14, %w[steps], #4\n\t"
        "add x9, %[window], x9\n\t"
        "mov x13, #0\n\t"
        "add x10, x9, %[window_step]\n\t"
        "add x11, x9, %[window_step], lsl #1\n\t"
        "add x12, x10, %[window_step], lsl #1\n\t"
        "b.lt 3f\n"
        "2:\n\t"  // sixteen bytes of each window
        SPIKESCOPE_LOAD_VALUES
        SPIKESCOPE_LOAD(20, 21, 22, 23, "x15", 0)
        SPIKESCOPE_LOAD(24, 25, 26, 27, "x15", 64)
        SPIKESCOPE_DOT_WORDS(0, 1)
        SPIKESCOPE_LOAD(20, 21, 22, 23, "x15", 128)
        SPIKESCOPE_LOAD(24, 25, 26, 27, "x15", 192)
        "add x15, x15, #256\n\t"
        "add x13, x13, #16\n\t"
        "subs w14, w14, #4\n\t"
        SPIKESCOPE_DOT_WORDS(2, 3)
        "b.ge 2b\n"
        "3:\n\t"  // one to three words left, or none
        "adds w14, w14, #4\n\t"
        "b.eq 4f\n\t"
        SPIKESCOPE_LOAD_VALUES
        SPIKESCOPE_LOAD(20, 21, 22, 23, "x15", 0)
        "add x15, x15, #64\n\t"
        "subs w14, w14, #1\n\t"
        SPIKESCOPE_DOT_WORD(20, 21, 22, 23, 0)
        "b.eq 4f\n\t"
        SPIKESCOPE_LOAD(20, 21, 22, 23, "x15", 0)
        "add x15, x15, #64\n\t"
        "subs w14, w14, #1\n\t"
        SPIKESCOPE_DOT_WORD(20, 21, 22, 23, 1)
        "b.eq 4f\n\t"
        SPIKESCOPE_LOAD(20, 21, 22, 23, "x15", 0)
        "add x15, x15, #64\n\t"
        SPIKESCOPE_DOT_WORD(20, 21, 22, 23, 2)
        "4:\n\t"
        "subs w17, w17, #1\n\t"
        "b.ne 1b\n\t"
        SPIKESCOPE_LOAD(20, 21, 22, 23, "%[left]", 0)
        "ldr q24, [%[multiplier]]\n\t"
        "ldr q25, [%[multiplier], #16]\n\t"
        SPIKESCOPE_SHIFT(0, 1, 2, 3)
        SPIKESCOPE_JOIN(0, 1, 2, 3)
        SPIKESCOPE_SHIFT(4, 5, 6, 7)
        SPIKESCOPE_SCALE(0, 1, 2, 3)
        SPIKESCOPE_JOIN(4, 5, 6, 7)
        SPIKESCOPE_SHIFT(8, 9, 10, 11)
        SPIKESCOPE_SATURATE(0, 1, 3)
        SPIKESCOPE_SCALE(4, 5, 6, 7)
        SPIKESCOPE_JOIN(8, 9, 10, 11)
        SPIKESCOPE_SHIFT(12, 13, 14, 15)
        SPIKESCOPE_SATURATE(4, 5, 7)
        SPIKESCOPE_SCALE(8, 9, 10, 11)
        SPIKESCOPE_JOIN(12, 13, 14, 15)
        SPIKESCOPE_SATURATE(8, 9, 11)
        SPIKESCOPE_SCALE(12, 13, 14, 15)
        SPIKESCOPE_SATURATE(12, 13, 15)
        "cbz %w[clamps], 5f\n\t"
        "ldr q16, [%[stage], #16]\n\t"
        "ldr q17, [%[stage], #32]\n\t"
        SPIKESCOPE_CLAMP(0)
        SPIKESCOPE_CLAMP(4)
        SPIKESCOPE_CLAMP(8)
        SPIKESCOPE_CLAMP(12)
        "5:\n\t"
        "add x9, %[output], %[output_step]\n\t"
        "str q0, [%[output]]\n\t"
        "add %[window], %[window], %[window_step], lsl #2\n\t"
        "str q4, [x9]\n\t"
        "str q8, [%[output], %[output_step_2]]\n\t"
        "subs %[tiles], %[tiles], #1\n\t"
        "str q12, [x9, %[output_step_2]]\n\t"
        "add %[output], %[output], %[output_step_2], lsl #1\n\t"
        "b.ne 0b\n"
        : [window] "+r"(window), [output] "+r"(output), [tiles] "+r"(tiles)
        : [window_step] "r"(places.window_step), [output_step] "r"(places.output_step),
          [output_step_2] "r"(2 * places.output_step), [weights] "r"(block.weights), [bias] "r"(block.bias),
          [left] "r"(block.shift), [multiplier] "r"(block.multiplier), [run_offsets] "r"(shape.run_offsets),
          [runs] "r"(shape.runs), [steps] "r"(shape.steps), [stage] "r"(&parameters), [clamps] "r"(clamps)
        : "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "v0", "v1", "v2", "v3", "v4",
          "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
          "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28");
  }
};

#undef SPIKESCOPE_DOT
#undef SPIKESCOPE_DOT_WORD
#undef SPIKESCOPE_DOT_WORDS
#undef SPIKESCOPE_LOAD
#undef SPIKESCOPE_LOAD_VALUES
#undef SPIKESCOPE_SHIFT
#undef SPIKESCOPE_JOIN
#undef SPIKESCOPE_SCALE
#undef SPIKESCOPE_SATURATE
#undef SPIKESCOPE_CLAMP

}  // namespace spikescope::neon

#endif
