#pragma once

#include "../../target.h"

#if SPIKESCOPE_ARM64

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../graph.h"

namespace spikescope::neon {

#define SPIKESCOPE_INLINE __attribute__((always_inline)) inline
#define SPIKESCOPE_INLINE_LAMBDA __attribute__((always_inline))

/** The output stage: what requantisation does after the multiplier. */
struct OutputStage {
  int16x8_t zero_point;
  uint8x16_t minimum;
  uint8x16_t maximum;
  /** Whether saturation to bytes leaves anything to clamp. */
  bool clamps;
};

SPIKESCOPE_INLINE OutputStage make_output_stage(int32_t zero_point, const Clamp& clamp) {
  return {vdupq_n_s16(static_cast<int16_t>(zero_point)), vdupq_n_u8(static_cast<uint8_t>(clamp.minimum)),
          vdupq_n_u8(static_cast<uint8_t>(clamp.maximum)), clamp.minimum > 0 || clamp.maximum < 255};
}

/** Saturation to bytes and clamp, where the zero point is added already or is 0. */
SPIKESCOPE_INLINE uint8x16_t saturate(int16x8_t low, int16x8_t high, const OutputStage& parameters) {
  const uint8x16_t bytes = vqmovun_high_s16(vqmovun_s16(low), high);
  if (!parameters.clamps) return bytes;
  return vminq_u8(vmaxq_u8(bytes, parameters.minimum), parameters.maximum);
}

/** Zero point, saturation to bytes and clamp. */
SPIKESCOPE_INLINE uint8x16_t output_bytes(int16x8_t low, int16x8_t high, const OutputStage& parameters) {
  return saturate(vqaddq_s16(low, parameters.zero_point), vqaddq_s16(high, parameters.zero_point), parameters);
}

SPIKESCOPE_INLINE uint8x8_t output_bytes(int16x8_t values, const OutputStage& parameters) {
  const uint8x8_t bytes = vqmovun_s16(vqaddq_s16(values, parameters.zero_point));
  if (!parameters.clamps) return bytes;
  return vmin_u8(vmax_u8(bytes, vget_low_u8(parameters.minimum)), vget_low_u8(parameters.maximum));
}

/**
 * The rounding shift and its saturation. The rounding term is in the sums already; `left` is 16 − shift. The
 * saturating shift puts the 16-bit result into the upper half of each lane, whatever the sign of `left`.
 */
SPIKESCOPE_INLINE int16x8_t narrow(int32x4_t low, int32x4_t high, int32x4_t low_left, int32x4_t high_left) {
  return vuzp2q_s16(vreinterpretq_s16_s32(vqshlq_s32(low, low_left)),
                    vreinterpretq_s16_s32(vqshlq_s32(high, high_left)));
}

/** Stores the first `count` bytes. */
SPIKESCOPE_INLINE void store_bytes(uint8_t* output, uint8x16_t values, size_t count) {
  if (count >= 16) {
    vst1q_u8(output, values);
  } else {
    uint8_t bytes[16];
    vst1q_u8(bytes, values);
    std::memcpy(output, bytes, count);
  }
}

SPIKESCOPE_INLINE void store_bytes(uint8_t* output, uint8x8_t values, size_t count) {
  if (count >= 8) {
    vst1_u8(output, values);
  } else {
    uint8_t bytes[8];
    vst1_u8(bytes, values);
    std::memcpy(output, bytes, count);
  }
}

/** output[at…] = compute(at), sixteen bytes at a time; `compute` may read a few bytes beyond `length`. */
template <class Compute>
SPIKESCOPE_INLINE void store_all(uint8_t* output, size_t length, Compute compute) {
  size_t at = 0;
  for (; at + 32 <= length; at += 32) {
    const uint8x16_t first = compute(at);
    const uint8x16_t second = compute(at + 16);
    vst1q_u8(output + at, first);
    vst1q_u8(output + at + 16, second);
  }
  for (; at < length; at += 16) store_bytes(output + at, compute(at), length - at);
}

/** For `load_signed`; in a register for good, where compilers would make the constant anew each time. */
SPIKESCOPE_INLINE uint8x16_t signed_offset() {
  uint8x16_t offset = vdupq_n_u8(128);
  asm("" : "+w"(offset));
  return offset;
}

/** Sixteen activations less 128, as signed bytes. */
SPIKESCOPE_INLINE int8x16_t load_signed(const uint8_t* values, uint8x16_t offset) {
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(values), offset));
}

SPIKESCOPE_INLINE int8x16_t load_signed(const uint8_t* values) { return load_signed(values, vdupq_n_u8(128)); }

/** What `load_signed` takes away belongs to the zero point. */
constexpr int32_t kSignedOffset = 128;

/** A load of its own each time: compilers would copy one register to many, on the pipelines that multiply. */
SPIKESCOPE_INLINE int32x4_t load_fresh(const int32_t* values) {
  int32x4_t loaded;
  asm volatile("ldr %q0, %1" : "=w"(loaded) : "m"(*reinterpret_cast<const int32_t(*)[4]>(values)));
  return loaded;
}

}  // namespace spikescope::neon

#endif
