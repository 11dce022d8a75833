#pragma once

#include <cstddef>
#include <cstdint>

namespace spikescope {

/**
 * Where the card writes what it made of one image: a 32-byte header, whose first word counts the words behind it; then, of
 * an AKD1000, events of two words: row and column, then channel and value; of an AKD1500 every value, a byte each. Nothing
 * in it is trusted.
 */
struct OutputSlot {
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t channels = 0;
  /** Largest value of the activation. */
  uint32_t maximum = 0;
  /** Every value rather than events of those that are not zero. */
  bool is_dense = false;

  size_t elements() const { return static_cast<size_t>(rows) * columns * channels; }
};

constexpr size_t kWordsPerEvent = 2;

/**
 * The number of words behind a header, of a dense output no more than values. @throws Fault DEVICE_OUTPUT where it is more
 * than the slot holds, or no whole number of events
 */
size_t words_behind(uint32_t header, const OutputSlot& slot);

/**
 * Events as the embedding, row, column, channel; zero where there is none.
 * @param embedding `slot.elements()` bytes
 * @throws Fault DEVICE_EVENT for a place outside the slot, a place that comes twice, a value above the maximum
 */
void read_events(const uint32_t* words, size_t count, const OutputSlot& slot, uint8_t* embedding);

/**
 * A dense output as the embedding.
 * @param values `slot.elements()` bytes, as is `embedding`
 * @throws Fault DEVICE_EVENT for a value above the maximum
 */
void read_values(const uint8_t* values, const OutputSlot& slot, uint8_t* embedding);

}  // namespace spikescope
