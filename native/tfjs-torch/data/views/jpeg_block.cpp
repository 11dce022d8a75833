#include "jpeg_block.h"

#include <algorithm>
#include <cstring>

#include "target.h"

namespace spikescope::views {
namespace {

constexpr uint8_t kLuminance[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr uint8_t kChrominance[64] = {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                      24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                      99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                      99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

/** Eight numbers side by side. */
typedef int32_t Row __attribute__((vector_size(32)));
typedef float Reals __attribute__((vector_size(32)));

// Constants of the rotations times 2^13 (Loeffler, Ligtenberg and Moschytz, ICASSP 1989), as libjpeg's `islow`.
constexpr int32_t kF0298 = 2446, kF0390 = 3196, kF0541 = 4433, kF0765 = 6270, kF0899 = 7373, kF1175 = 9633;
constexpr int32_t kF1501 = 12299, kF1847 = 15137, kF1961 = 16069, kF2053 = 16819, kF2562 = 20995, kF3072 = 25172;
constexpr int kBits = 13;
/** Kept between the two passes. */
constexpr int kExtra = 2;

#define SPIKESCOPE_INLINE inline __attribute__((always_inline))

template <int Bits>
SPIKESCOPE_INLINE void descale(Row& row) {
  row = (row + (1 << (Bits - 1))) >> Bits;
}

SPIKESCOPE_INLINE void transpose(Row* rows) {
  int32_t from[64];
  int32_t to[64];
  std::memcpy(from, rows, sizeof from);
  for (int i = 0; i < 64; i++) to[(i % 8) * 8 + i / 8] = from[i];
  std::memcpy(rows, to, sizeof to);
}

/** Numbers a, b, c, d become coefficients 7, 5, 3, 1; its own inverse but for their scale. */
SPIKESCOPE_INLINE void odd_part(Row& a, Row& b, Row& c, Row& d) {
  const Row turn = (a + c + b + d) * kF1175;
  const Row ac = turn - (a + c) * kF1961;
  const Row bd = turn - (b + d) * kF0390;
  const Row ad = (a + d) * kF0899;
  const Row bc = (b + c) * kF2562;
  a = a * kF0298 - ad + ac;
  b = b * kF2053 - bc + bd;
  c = c * kF3072 - bc + ac;
  d = d * kF1501 - ad + bd;
}

/** Along the columns of a block. `Up`: sums without constants are scaled up, not down, by the extra bits. */
template <bool Up>
SPIKESCOPE_INLINE void forward(Row* r) {
  constexpr int kDown = Up ? kBits - kExtra : kBits + kExtra;
  Row a = r[3] - r[4], b = r[2] - r[5], c = r[1] - r[6], d = r[0] - r[7];
  const Row s0 = r[0] + r[7], s1 = r[1] + r[6], s2 = r[2] + r[5], s3 = r[3] + r[4];
  const Row outer = s0 + s3, inner = s1 + s2, outer_turn = s0 - s3, inner_turn = s1 - s2;
  const Row even = (inner_turn + outer_turn) * kF0541;
  odd_part(a, b, c, d);
  r[0] = outer + inner;
  r[4] = outer - inner;
  r[2] = even + outer_turn * kF0765;
  r[6] = even - inner_turn * kF1847;
  r[7] = a;
  r[5] = b;
  r[3] = c;
  r[1] = d;
  for (const int i : {0, 4}) {
    if constexpr (Up) r[i] = r[i] << kExtra;
    else descale<kExtra>(r[i]);
  }
  for (const int i : {1, 2, 3, 5, 6, 7}) descale<kDown>(r[i]);
}

template <int Down>
SPIKESCOPE_INLINE void inverse(Row* r) {
  const Row turn = (r[2] + r[6]) * kF0541;
  const Row low = turn - r[6] * kF1847, high = turn + r[2] * kF0765;
  const Row sum = (r[0] + r[4]) << kBits, difference = (r[0] - r[4]) << kBits;
  Row a = r[7], b = r[5], c = r[3], d = r[1];
  odd_part(a, b, c, d);
  r[0] = sum + high + d;
  r[7] = sum + high - d;
  r[1] = difference + low + c;
  r[6] = difference + low - c;
  r[2] = difference - low + b;
  r[5] = difference - low - b;
  r[3] = sum - high + a;
  r[4] = sum - high - a;
  for (int i = 0; i < 8; i++) descale<Down>(r[i]);
}

/** The transform's numbers are eight times the coefficients. Numbers are so small that the division of floats is exact. */
SPIKESCOPE_INLINE void quantise(Row& row, const Row& steps) {
  const Row sign = row >> 31;
  const Row size = (row ^ sign) - sign;
  const Reals quotient = __builtin_convertvector(size + steps * 4, Reals) / __builtin_convertvector(steps * 8, Reals);
  const Row whole = __builtin_convertvector(quotient, Row) * steps;
  row = (whole ^ sign) - sign;
}

SPIKESCOPE_INLINE void through_quantisation(Row* rows, const Row* steps) {
  for (int i = 0; i < 8; i++) rows[i] -= 128;
  transpose(rows);
  forward<true>(rows);
  transpose(rows);
  forward<false>(rows);
  for (int i = 0; i < 8; i++) quantise(rows[i], steps[i]);
  inverse<kBits - kExtra>(rows);
  transpose(rows);
  inverse<kBits + kExtra + 3>(rows);
  transpose(rows);
  for (int i = 0; i < 8; i++) {
    rows[i] += 128;
    rows[i] &= ~(rows[i] >> 31);
    const Row over = (255 - rows[i]) >> 31;
    rows[i] = (rows[i] & ~over) | (over & 255);
  }
}

void scale(const uint8_t* table, int quality, int32_t* steps) {
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  for (int i = 0; i < 64; i++) steps[i] = std::clamp((table[i] * percent + 50) / 100, 1, 255);
}

}  // namespace

JpegSteps jpeg_steps(int quality) {
  JpegSteps steps;
  scale(kLuminance, quality, steps.luminance);
  scale(kChrominance, quality, steps.chrominance);
  return steps;
}

SPIKESCOPE_WIDE void quantise_blocks(int32_t* values, int64_t width, int64_t height, const int32_t* steps) {
  Row divisors[8];
  std::memcpy(divisors, steps, sizeof divisors);
  for (int64_t top = 0; top < height; top += 8) {
    for (int64_t left = 0; left < width; left += 8) {
      int32_t* const block = values + top * width + left;
      Row rows[8];
      for (int i = 0; i < 8; i++) std::memcpy(&rows[i], block + i * width, sizeof(Row));
      through_quantisation(rows, divisors);
      for (int i = 0; i < 8; i++) std::memcpy(block + i * width, &rows[i], sizeof(Row));
    }
  }
}

}  // namespace spikescope::views
