#pragma once

#include <cstddef>
#include <cstdint>

namespace spikescope {

/**
 * Where the card writes what it made of one image: a 32-byte header, whose first word counts the words behind it, then
 * events of two words: row and column, then channel and value. Nothing in it is trusted.
 */
struct OutputSlot {
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t channels = 0;
  /** Largest value of the activation. */
  uint32_t maximum = 0;

  size_t elements() const { return static_cast<size_t>(rows) * columns * channels; }
};

constexpr size_t kWordsPerEvent = 2;

/** The number of words behind a header. @throws Fault DEVICE_OUTPUT where it is odd, or more than the slot holds */
size_t words_behind(uint32_t header, const OutputSlot& slot);

/**
 * Events as the embedding, row, column, channel; zero where there is none.
 * @param embedding `slot.elements()` bytes
 * @throws Fault DEVICE_EVENT for a place outside the slot, a place that comes twice, a value above the maximum
 */
void read_events(const uint32_t* words, size_t count, const OutputSlot& slot, uint8_t* embedding);

}  // namespace spikescope
