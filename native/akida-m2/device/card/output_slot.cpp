#include "output_slot.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "../../engine/fault.h"

namespace spikescope {
namespace {

constexpr uint32_t bits(uint32_t word, int from, int to) { return (word >> from) & ((1u << (to - from + 1)) - 1); }

struct Event {
  uint32_t row;
  uint32_t column;
  uint32_t channel;
  uint32_t value;
};

/** Fields as the vendor's engine has them (src/dma_events_format.h), without any that means nothing here. */
Event event_of(uint32_t first, uint32_t second) {
  return {bits(first, 0, 15), bits(first, 16, 31), bits(second, 0, 15), bits(second, 16, 23)};
}

Fault wrong(const Event& event, const char* what) {
  char text[128];
  std::snprintf(text, sizeof text, "an event of the card has %s: (%u, %u, %u) = %u", what, event.row, event.column,
                event.channel, event.value);
  return Fault("DEVICE_EVENT", text);
}

}  // namespace

size_t words_behind(uint32_t header, const OutputSlot& slot) {
  const size_t words = bits(header, 0, 27);
  if (slot.is_dense) {
    if (words <= slot.elements()) return words;
    throw Fault("DEVICE_OUTPUT", "the card announces " + std::to_string(words) + " words of output, which has " +
                                     std::to_string(slot.elements()) + " values");
  }
  const size_t most = slot.elements() * kWordsPerEvent;
  if (words <= most && words % kWordsPerEvent == 0) return words;
  throw Fault("DEVICE_OUTPUT", "the card announces " + std::to_string(words) + " words of output; there is room for " +
                                   std::to_string(most) + ", two for each event");
}

void read_events(const uint32_t* words, size_t count, const OutputSlot& slot, uint8_t* embedding) {
  std::fill_n(embedding, slot.elements(), uint8_t{0});
  for (size_t i = 0; i + kWordsPerEvent <= count; i += kWordsPerEvent) {
    const Event event = event_of(words[i], words[i + 1]);
    if (event.row >= slot.rows || event.column >= slot.columns || event.channel >= slot.channels) {
      throw wrong(event, "a place outside the output");
    }
    if (event.value > slot.maximum) throw wrong(event, "a value that the layer cannot have");
    uint8_t& element = embedding[(event.row * slot.columns + event.column) * slot.channels + event.channel];
    if (element != 0) throw wrong(event, "a place that came before");
    element = static_cast<uint8_t>(event.value);
  }
}

void read_values(const uint8_t* values, const OutputSlot& slot, uint8_t* embedding) {
  for (size_t i = 0; i < slot.elements(); i++) {
    if (values[i] > slot.maximum) {
      throw Fault("DEVICE_EVENT", "value " + std::to_string(i) + " of the card's output is " + std::to_string(values[i]) +
                                      ", which the layer cannot have");
    }
    embedding[i] = values[i];
  }
}

}  // namespace spikescope
