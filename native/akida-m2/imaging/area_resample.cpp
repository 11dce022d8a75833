#include "area_resample.h"

#include <algorithm>
#include <vector>

namespace spikescope::imaging {
namespace {

/** The source pixels that one output pixel covers, along one axis: inner ones in full, the outer ones in part. */
struct Cover {
  int64_t first;
  int64_t last;
  uint16_t first_length;
  uint16_t last_length;  // 0 when first and last are the same
};

Cover cover_of(int64_t output, int64_t side, int64_t size) {
  const int64_t start = output * side;
  const int64_t end = start + side;
  const int64_t first = start / size;
  const int64_t last = (end - 1) / size;
  const int64_t first_end = std::min(end, (first + 1) * size);
  return {first, last, static_cast<uint16_t>(first_end - start),
          static_cast<uint16_t>(first == last ? 0 : end - last * size)};
}

template <class Image>
class Resampler {
 public:
  Resampler(const Image& image, const Square& square, int64_t size)
      : image_(image),
        square_(square),
        size_(size),
        channel_pitch_(Image::channel_pitch(square.side)),
        length_(static_cast<size_t>(Image::row_bytes(square.side))),
        area_(square.side * square.side),
        reciprocal_(0.5 / static_cast<double>(area_)),
        columns_(length_),
        inner_(length_),
        // A YUV row may start at the second pixel of a pair, one byte into its memory.
        upper_(length_ + 1),
        lower_(length_ + 1),
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
  /** Rows of bytes whose sum fits in 16 bits. */
  static constexpr int64_t kInnerRows = 256;

  const uint8_t* row_at(int64_t row, std::vector<uint8_t>& scratch) {
    return image_.row(square_.y + row, square_.x, square_.side, scratch.data());
  }

  /**
   * columns_[i] = Σ over the covered rows of overlap × value; below 2^14 × 2^8. The factors are kept to 16 bits, for
   * which every processor has a vector multiplication.
   */
  void sum_rows(const Cover& rows) {
    uint32_t* const columns = columns_.data();
    const uint8_t* const first = row_at(rows.first, upper_);
    const uint8_t* const last = row_at(rows.last, lower_);
    for (size_t i = 0; i < length_; i++) {
      columns[i] = product(rows.first_length, first[i]) + product(rows.last_length, last[i]);
    }
    const uint16_t* const inner = inner_.data();
    const auto whole = static_cast<uint16_t>(size_);
    for (int64_t row = rows.first + 1; row < rows.last; row += kInnerRows) {
      sum_whole_rows(row, std::min(row + kInnerRows, rows.last));
      for (size_t i = 0; i < length_; i++) columns[i] += product(whole, inner[i]);
    }
  }

  /** inner_[i] = Σ of values of rows first…end − 1, at most kInnerRows of them. */
  void sum_whole_rows(int64_t first, int64_t end) {
    uint16_t* const inner = inner_.data();
    std::fill(inner_.begin(), inner_.end(), uint16_t{0});
    int64_t row = first;
    for (; row + 1 < end; row += 2) {
      const uint8_t* const upper = row_at(row, upper_);
      const uint8_t* const lower = row_at(row + 1, lower_);
      for (size_t i = 0; i < length_; i++) inner[i] = static_cast<uint16_t>(inner[i] + upper[i] + lower[i]);
    }
    if (row < end) {
      const uint8_t* const values = row_at(row, upper_);
      for (size_t i = 0; i < length_; i++) inner[i] = static_cast<uint16_t>(inner[i] + values[i]);
    }
  }

  static uint32_t product(uint16_t a, uint16_t b) { return uint32_t{a} * uint32_t{b}; }

  uint8_t* put_means(const Cover& cover, uint8_t* output) const {
    constexpr int64_t kStep = Image::kStep;
    const uint32_t* const red = columns_.data();
    const uint32_t* const green = red + channel_pitch_;
    const uint32_t* const blue = green + channel_pitch_;
    int64_t sums[3] = {};
    for (int64_t i = (cover.first + 1) * kStep; i < cover.last * kStep; i += kStep) {
      sums[0] += red[i];
      sums[1] += green[i];
      sums[2] += blue[i];
    }
    const uint32_t* const channels[3] = {red, green, blue};
    for (int c = 0; c < 3; c++) {
      const int64_t first = channels[c][cover.first * kStep];
      const int64_t last = channels[c][cover.last * kStep];
      *output++ = mean(cover.first_length * first + cover.last_length * last + size_ * sums[c]);
    }
    return output;
  }

  /**
   * floor((2 × sum + area) / (2 × area)). The quotient is below 2^8 and, where it is no integer, at least 2^−29 from
   * one; double precision errs by less than 2^−43. So the small addend makes it exact.
   */
  uint8_t mean(int64_t sum) const {
    const auto doubled = static_cast<double>(2 * sum + area_);
    return static_cast<uint8_t>(static_cast<int32_t>(doubled * reciprocal_ + 0x1p-36));
  }

  const Image image_;
  const Square square_;
  const int64_t size_;
  const int64_t channel_pitch_;
  const size_t length_;
  const int64_t area_;
  const double reciprocal_;
  std::vector<uint32_t> columns_;
  std::vector<uint16_t> inner_;
  /** Where an image may put two rows that it has to convert. */
  std::vector<uint8_t> upper_;
  std::vector<uint8_t> lower_;
  std::vector<Cover> covers_;
};

}  // namespace

void area_resample(const RgbImage& image, const Square& square, int64_t size, uint8_t* output) {
  Resampler<RgbImage>(image, square, size).run(output);
}

void area_resample(const YuvImage& image, const Square& square, int64_t size, uint8_t* output) {
  Resampler<YuvImage>(image, square, size).run(output);
}

}  // namespace spikescope::imaging
