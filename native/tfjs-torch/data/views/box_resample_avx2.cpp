#include "boxes.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace spikescope::views {
namespace {

#define SPIKESCOPE_AVX2 __attribute__((target("avx2,fma")))

/** Overlaps of a span with pixels 0…7 from its first one. */
SPIKESCOPE_AVX2 inline __m256 overlaps(const Span& span, float width) {
  const __m256 pixel = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 start = _mm256_set1_ps(span.start);
  const __m256 end = _mm256_set1_ps(span.start + width);
  const __m256 covered = _mm256_sub_ps(_mm256_min_ps(end, _mm256_add_ps(pixel, _mm256_set1_ps(1))),
                                       _mm256_max_ps(start, pixel));
  return _mm256_max_ps(covered, _mm256_setzero_ps());
}

SPIKESCOPE_AVX2 inline __m256 eight(const uint8_t* bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes))));
}

/**
 * Rows are summed first, sixteen bytes (five pixels) at a time, then the pixels of the sum. Reads up to ten bytes beyond
 * the box's last pixel.
 */
template <int Pixels>
struct Avx2Sum {
  static constexpr int64_t kPixels = Pixels;
  static_assert(Pixels >= 2 && Pixels <= 5);

  SPIKESCOPE_AVX2 static inline Pixel of(const uint8_t* const* starts, const Span& columns, const Span& rows, const Box& box) {
    alignas(32) float down[8];
    alignas(32) float across[8];
    _mm256_store_ps(down, overlaps(rows, box.height));
    _mm256_store_ps(across, overlaps(columns, box.width));
    __m256 low = _mm256_setzero_ps();   // red, green, blue of pixels 0 and 1, red and green of 2
    __m256 high = _mm256_setzero_ps();  // blue of pixel 2, pixels 3 and 4
    for (int y = 0; y < Pixels; y++) {
      const __m256 weight = _mm256_broadcast_ss(down + y);
      low = _mm256_fmadd_ps(weight, eight(starts[y]), low);
      if constexpr (Pixels > 2) high = _mm256_fmadd_ps(weight, eight(starts[y] + 8), high);
    }
    const __m128 low_end = _mm256_extractf128_ps(low, 1);
    const __m128 second = from(_mm256_castps256_ps128(low), low_end, 3);
    __m128 sum = _mm_mul_ps(_mm256_castps256_ps128(low), _mm_broadcast_ss(across));
    sum = _mm_fmadd_ps(second, _mm_broadcast_ss(across + 1), sum);
    if constexpr (Pixels > 2) {
      const __m128 high_start = _mm256_castps256_ps128(high);
      const __m128 third = from(low_end, high_start, 2);
      sum = _mm_fmadd_ps(third, _mm_broadcast_ss(across + 2), sum);
      const __m128 high_end = _mm256_extractf128_ps(high, 1);
      if constexpr (Pixels > 3) {
        sum = _mm_fmadd_ps(from(high_start, high_end, 1), _mm_broadcast_ss(across + 3), sum);
      }
      if constexpr (Pixels > 4) sum = _mm_fmadd_ps(high_end, _mm_broadcast_ss(across + 4), sum);
    }
    return reinterpret_cast<Pixel>(sum);
  }

 private:
  /** Four numbers from the `skipped`th of the first four on. */
  SPIKESCOPE_AVX2 static inline __m128 from(__m128 first, __m128 next, int skipped) {
    const __m128i a = _mm_castps_si128(first);
    const __m128i b = _mm_castps_si128(next);
    switch (skipped) {
      case 1:
        return _mm_castsi128_ps(_mm_alignr_epi8(b, a, 4));
      case 2:
        return _mm_castsi128_ps(_mm_alignr_epi8(b, a, 8));
      default:
        return _mm_castsi128_ps(_mm_alignr_epi8(b, a, 12));
    }
  }
};

/** As `Avx2Sum`, up to eight pixels. */
struct WideSum {
  static constexpr int64_t kPixels = 8;

  SPIKESCOPE_AVX2 static inline Pixel of(const uint8_t* const* starts, const Span& columns, const Span& rows,
                                         const Box& box) {
    alignas(32) float down[8];
    alignas(32) float across[8];
    _mm256_store_ps(down, overlaps(rows, box.height));
    _mm256_store_ps(across, overlaps(columns, box.width));
    __m256 sums[3] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int y = 0; y < 8; y++) {
      const __m256 weight = _mm256_broadcast_ss(down + y);
      for (int i = 0; i < 3; i++) sums[i] = _mm256_fmadd_ps(weight, eight(starts[y] + 8 * i), sums[i]);
    }
    alignas(32) float numbers[25] = {};
    for (int i = 0; i < 3; i++) _mm256_store_ps(numbers + 8 * i, sums[i]);
    __m128 sum = _mm_setzero_ps();
    for (int x = 0; x < 8; x++) {
      sum = _mm_fmadd_ps(_mm_loadu_ps(numbers + 3 * x), _mm_broadcast_ss(across + x), sum);
    }
    return reinterpret_cast<Pixel>(sum);
  }
};

template <typename Sum>
SPIKESCOPE_AVX2 void draw(const Frame& frame, const Geometry& geometry, const Planes& output) {
  draw_boxes<Sum>(frame, geometry, output);
}

}  // namespace

Draw avx2_draw(double span) {
  static const bool available = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!available || span > 7) return nullptr;
  if (span <= 1) return draw<Avx2Sum<2>>;
  if (span <= 2) return draw<Avx2Sum<3>>;
  if (span <= 3) return draw<Avx2Sum<4>>;
  if (span <= 4) return draw<Avx2Sum<5>>;
  return draw<WideSum>;
}

}  // namespace spikescope::views

#else

namespace spikescope::views {

Draw avx2_draw(double) { return nullptr; }

}  // namespace spikescope::views

#endif
