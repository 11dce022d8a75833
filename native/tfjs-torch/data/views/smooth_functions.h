#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

/** Powers and transfer functions as plain arithmetic that compilers turn into vectors. Errors are below 2e-6. */
namespace spikescope::views {

inline int32_t bits_of(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** x in 1e-9…4: a third of the exponent as a first guess, then Halley's iteration twice. */
inline float cube_root(float x) {
  float y = float_of(static_cast<int32_t>(static_cast<float>(bits_of(x)) * (1.0f / 3)) + 709958130);
  for (int i = 0; i < 2; i++) {
    const float cube = y * y * y;
    y = y * (cube + 2 * x) / (2 * cube + x);
  }
  return y;
}

/** x in 1e-30…2; Chebyshev interpolation of log2 over one octave. */
inline float log2_of(float x) {
  const int32_t bits = bits_of(x);
  const auto exponent = static_cast<float>((bits >> 23) - 127);
  const float m = float_of((bits & 0x007fffff) | 0x3f800000) - 1;
  float sum = -0.008665699309f;
  sum = sum * m + 0.04943336839f;
  sum = sum * m - 0.1331469274f;
  sum = sum * m + 0.2380419836f;
  sum = sum * m - 0.3454293366f;
  sum = sum * m + 0.4781764415f;
  sum = sum * m - 0.7210957682f;
  sum = sum * m + 1.442685851f;
  return exponent + (sum * m + 5.642244e-8f);
}

/** x in −126…1. */
inline float exp2_of(float x) {
  const float shifted = x + 127;
  const auto whole = static_cast<int32_t>(shifted);
  const float m = shifted - static_cast<float>(whole);
  float sum = 0.0002186578478f;
  sum = sum * m + 0.001239133184f;
  sum = sum * m + 0.009684186310f;
  sum = sum * m + 0.05548063020f;
  sum = sum * m + 0.2402304544f;
  sum = sum * m + 0.6931469328f;
  return float_of(whole << 23) * (sum * m + 1.0f);
}

/** sRGB to linear light, x in [0, 1] (IEC 61966-2-1). */
inline float to_linear(float x) {
  float sum = -0.06161193725f;
  sum = sum * x + 0.3117845241f;
  sum = sum * x - 0.6912336060f;
  sum = sum * x + 0.9053104436f;
  sum = sum * x - 0.8413275968f;
  sum = sum * x + 0.8541344953f;
  sum = sum * x + 0.4869156868f;
  sum = sum * x + 0.03516958268f;
  sum = sum * x + 0.0008581652848f;
  return x <= 0.04045f ? x * (1 / 12.92f) : sum;
}

/** Linear light to sRGB, x in [0, 1]; x^(1/2.4) = (x · x^(2/3))^(1/4). */
inline float to_encoded(float x) {
  const float root = cube_root(x < 1e-9f ? 1e-9f : x);
  const float power = std::sqrt(std::sqrt(x * root * root));
  return x <= 0.0031308f ? x * 12.92f : 1.055f * power - 0.055f;
}

/** CIE f(t), t in [0, 1.1] (CIE 15:2018, 8.2.1). */
inline float cie_f(float t) {
  const float root = cube_root(t < 1e-9f ? 1e-9f : t);
  return t > 0.008856452f ? root : t * 7.787037f + 0.13793103f;
}

inline float cie_f_inverse(float f) {
  return f > 0.20689655f ? f * f * f : (f - 0.13793103f) * 0.12841855f;
}

inline float clamped(float x, float high) {
  return x < 0 ? 0.0f : x > high ? high : x;
}

}  // namespace spikescope::views
