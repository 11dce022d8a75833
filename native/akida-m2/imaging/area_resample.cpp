#include "area_resample.h"

#include <algorithm>

namespace spikescope::imaging {
namespace {

/** The source pixels that one output pixel covers, along one axis: inner ones in full, the outer ones in part. */
struct Cover {
  int64_t first;
  int64_t last;
  uint32_t first_length;
  uint32_t last_length;  // 0 when first and last are the same
};

Cover cover_of(int64_t output, int64_t side, int64_t size) {
  const int64_t start = output * side;
  const int64_t end = start + side;
  const int64_t first = start / size;
  const int64_t last = (end - 1) / size;
  const int64_t first_end = std::min(end, (first + 1) * size);
  return {first, last, static_cast<uint32_t>(first_end - start),
          first == last ? 0 : static_cast<uint32_t>(end - last * size)};
}

class Resampler {
 public:
  Resampler(const Image& image, const Square& square, int64_t size)
      : image_(image), square_(square), size_(size), length_(static_cast<size_t>(square.side) * 3), columns_(length_),
        covers_(static_cast<size_t>(size)) {
    for (int64_t i = 0; i < size; i++) covers_[static_cast<size_t>(i)] = cover_of(i, square.side, size);
  }

  void run(uint8_t* output) {
    for (const Cover& rows : covers_) {
      sum_rows(rows);
      for (const Cover& columns : covers_) output = put_means(columns, output);
    }
  }

 private:
  const uint8_t* row_at(int64_t row) const {
    return image_.rgb + ((square_.y + row) * image_.width + square_.x) * 3;
  }

  /** columns_[i] = Σ over the covered rows of overlap × value; below 2^14 × 2^8. */
  void sum_rows(const Cover& rows) {
    uint32_t* const columns = columns_.data();
    const uint8_t* const first = row_at(rows.first);
    const uint8_t* const last = row_at(rows.last);
    const uint32_t a = rows.first_length;
    const uint32_t b = rows.last_length;
    for (size_t i = 0; i < length_; i++) columns[i] = a * first[i] + b * last[i];
    const auto whole = static_cast<uint32_t>(size_);
    int64_t row = rows.first + 1;
    for (; row + 3 < rows.last; row += 4) {
      const uint8_t* const r0 = row_at(row);
      const uint8_t* const r1 = row_at(row + 1);
      const uint8_t* const r2 = row_at(row + 2);
      const uint8_t* const r3 = row_at(row + 3);
      for (size_t i = 0; i < length_; i++) {
        const auto sum = static_cast<uint16_t>(r0[i] + r1[i] + r2[i] + r3[i]);
        columns[i] += whole * sum;
      }
    }
    for (; row < rows.last; row++) {
      const uint8_t* const values = row_at(row);
      for (size_t i = 0; i < length_; i++) columns[i] += whole * values[i];
    }
  }

  uint8_t* put_means(const Cover& cover, uint8_t* output) const {
    const uint32_t* const columns = columns_.data();
    uint64_t sums[3];
    for (int64_t c = 0; c < 3; c++) {
      uint64_t inner = 0;
      for (int64_t i = cover.first + 1; i < cover.last; i++) inner += columns[i * 3 + c];
      sums[c] = static_cast<uint64_t>(cover.first_length) * columns[cover.first * 3 + c] +
                static_cast<uint64_t>(cover.last_length) * columns[cover.last * 3 + c] +
                static_cast<uint64_t>(size_) * inner;
    }
    const auto area = static_cast<uint64_t>(square_.side) * static_cast<uint64_t>(square_.side);
    for (const uint64_t sum : sums) *output++ = static_cast<uint8_t>((2 * sum + area) / (2 * area));
    return output;
  }

  const Image image_;
  const Square square_;
  const int64_t size_;
  const size_t length_;
  std::vector<uint32_t> columns_;
  std::vector<Cover> covers_;
};

}  // namespace

void area_resample(const Image& image, const Square& square, int64_t size, uint8_t* output) {
  Resampler(image, square, size).run(output);
}

}  // namespace spikescope::imaging
