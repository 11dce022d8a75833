#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

/**
 * Powers and transfer functions as plain arithmetic that compilers turn into vectors: Chebyshev interpolations, with
 * errors below 3e-6.
 */
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

/** A polynomial by Horner's rule, the highest power's coefficient first. */
template <typename... Rest>
inline float polynomial(float x, float first, Rest... rest) {
  float sum = first;
  ((sum = sum * x + rest), ...);
  return sum;
}

/** x in 1e-30…2; Chebyshev interpolation of log2 over one octave. */
inline float log2_of(float x) {
  const int32_t bits = bits_of(x);
  const auto exponent = static_cast<float>((bits >> 23) - 127);
  const float m = float_of((bits & 0x007fffff) | 0x3f800000) - 1;
  return exponent + polynomial(m, -0.008665699309f, 0.04943336839f, -0.1331469274f, 0.2380419836f, -0.3454293366f,
                               0.4781764415f, -0.7210957682f, 1.442685851f, 5.642244e-8f);
}

/** x in −126…1. */
inline float exp2_of(float x) {
  const float shifted = x + 127;
  const auto whole = static_cast<int32_t>(shifted);
  const float m = shifted - static_cast<float>(whole);
  return float_of(whole << 23) * polynomial(m, 0.0002186578478f, 0.001239133184f, 0.009684186310f, 0.05548063020f,
                                            0.2402304544f, 0.6931469328f, 1.0f);
}

/** sRGB to linear light, x in [0, 1] (IEC 61966-2-1). */
inline float to_linear(float x) {
  const float power = polynomial(x, -0.06161193725f, 0.3117845241f, -0.6912336060f, 0.9053104436f, -0.8413275968f,
                                 0.8541344953f, 0.4869156868f, 0.03516958268f, 0.0008581652848f);
  return x <= 0.04045f ? x * (1 / 12.92f) : power;
}

/** Linear light to sRGB, x in [0, 1]; 1.055 · x^(1/2.4) − 0.055 is smooth in the fourth root of x. */
inline float to_encoded(float x) {
  const float power = polynomial(std::sqrt(std::sqrt(x)), 0.06174824460f, -0.2943026121f, 0.6210899249f, -0.8253520201f,
                                 1.354604668f, 0.1419509877f, -0.05973835420f);
  return x <= 0.0031308f ? x * 12.92f : power;
}

/** CIE f(t), t in [0, 1.1] (CIE 15:2018, 8.2.1); the cube root is smooth in the fourth root. */
inline float cie_f(float t) {
  const float root = polynomial(std::sqrt(std::sqrt(t)), 0.05394534522f, -0.2772461408f, 0.6249619357f, -0.8501795291f,
                                0.9866043355f, 0.4733626753f, -0.01144915947f);
  return t > 0.008856452f ? root : t * 7.787037f + 0.13793103f;
}

inline float cie_f_inverse(float f) {
  return f > 0.20689655f ? f * f * f : (f - 0.13793103f) * 0.12841855f;
}

inline float clamped(float x, float high) {
  return x < 0 ? 0.0f : x > high ? high : x;
}

}  // namespace spikescope::views
