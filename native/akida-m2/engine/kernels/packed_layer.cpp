#include "packed_layer.h"

#include <algorithm>
#include <cstring>

namespace spikescope {
namespace {

int32_t row_length(const LayerRows& layer) { return layer.runs * layer.run_length; }

/** Largest register count that `channels` fill, or the smallest there is: registers half empty cost slow stores. */
int32_t vectors_for(const PackedForm& form, int32_t channels) {
  for (const int32_t vectors : form.vectors) {
    if (vectors * form.lanes <= channels) return vectors;
  }
  return form.vectors.back();
}

void put_weight(uint8_t* memory, int32_t weight_bytes, int8_t weight) {
  const auto wide = static_cast<int16_t>(weight);
  if (weight_bytes == 1) {
    std::memcpy(memory, &weight, 1);
  } else {
    std::memcpy(memory, &wide, 2);
  }
}

}  // namespace

int32_t folded_bias(const LayerRows& layer, int32_t channel) {
  const auto c = static_cast<size_t>(channel);
  const auto length = static_cast<size_t>(row_length(layer));
  int64_t sum = 0;
  for (size_t i = 0; i < length; i++) sum += layer.weights[c * length + i];
  const int64_t rounding = layer.shift[c] == 0 ? 0 : int64_t{1} << (layer.shift[c] - 1);
  return static_cast<int32_t>(static_cast<uint32_t>(layer.bias[c] - sum * layer.input_zero_point + rounding));
}

PackedLayer::PackedLayer(const LayerRows& layer, const PackedForm& form)
    : steps_((layer.run_length * form.weight_bytes + 3) / 4) {
  size_t bytes = 0;
  std::vector<size_t> offsets;
  for (int32_t first = 0; first < layer.channels;) {
    ChannelBlock block;
    block.first = first;
    block.vectors = vectors_for(form, layer.channels - first);
    block.channels = std::min(layer.channels - first, block.vectors * form.lanes);
    first += block.channels;
    blocks_.push_back(block);
    offsets.push_back(bytes);
    const auto words = static_cast<size_t>(block.vectors * form.lanes);
    bytes += words * 4 * (3 + static_cast<size_t>(layer.runs) * static_cast<size_t>(steps_));
  }
  memory_ = allocate_aligned(bytes);
  for (size_t i = 0; i < blocks_.size(); i++) pack_block(layer, form, blocks_[i], memory_.get() + offsets[i]);
}

void PackedLayer::pack_block(const LayerRows& layer, const PackedForm& form, ChannelBlock& block,
                             uint8_t* memory) const {
  const int32_t words = block.vectors * form.lanes;
  auto* const bias = reinterpret_cast<int32_t*>(memory);
  auto* const shift = bias + words;
  auto* const multiplier = reinterpret_cast<int16_t*>(shift + words);
  auto* const weights = memory + static_cast<size_t>(words) * 12;
  const int32_t per_word = 4 / form.weight_bytes;
  for (int32_t vector = 0; vector < block.vectors; vector++) {
    for (int32_t lane = 0; lane < form.lanes; lane++) {
      const int32_t within = channel_of(vector, lane, block.vectors);
      if (within >= block.channels) continue;  // stays zero
      const int32_t channel = block.first + within;
      const int32_t word = vector * form.lanes + lane;
      bias[word] = folded_bias(layer, channel);
      shift[word] = form.upper_half ? 16 - layer.shift[channel] : layer.shift[channel];
      const int32_t pair = vector / 2 * 2 * form.lanes;
      multiplier[block.vectors == 1 ? lane : pair + lane / 4 * 8 + vector % 2 * 4 + lane % 4] =
          layer.multiplier[channel];
      const int8_t* const row = layer.weights + static_cast<size_t>(channel) * static_cast<size_t>(row_length(layer));
      for (int32_t run = 0; run < layer.runs; run++) {
        for (int32_t i = 0; i < layer.run_length; i++) {
          const size_t step = static_cast<size_t>(run) * static_cast<size_t>(steps_) + static_cast<size_t>(i / per_word);
          uint8_t* const place = weights + (step * static_cast<size_t>(words) + static_cast<size_t>(word)) * 4;
          put_weight(place + i % per_word * form.weight_bytes, form.weight_bytes, row[run * layer.run_length + i]);
        }
      }
    }
  }
  block.bias = bias;
  block.shift = shift;
  block.multiplier = multiplier;
  block.weights = weights;
}

PaddedCopy::PaddedCopy(const Shape& input, const Padding& padding, const std::vector<uint8_t>& values)
    : input_(input), padding_(padding) {
  shape_ = {input.height + padding.top + padding.bottom, input.width + padding.left + padding.right, input.channels};
  for (int32_t x = 0; x < shape_.width; x++) border_.insert(border_.end(), values.begin(), values.end());
}

void PaddedCopy::run(const uint8_t* input, uint8_t* output) const {
  const auto channels = static_cast<size_t>(input_.channels);
  const size_t row = static_cast<size_t>(input_.width) * channels;
  const size_t left = static_cast<size_t>(padding_.left) * channels;
  const size_t right = static_cast<size_t>(padding_.right) * channels;
  for (int32_t y = -padding_.top; y < input_.height + padding_.bottom; y++) {
    if (y < 0 || y >= input_.height) {
      std::memcpy(output, border_.data(), border_.size());
    } else {
      std::memcpy(output, border_.data(), left);
      std::memcpy(output + left, input, row);
      std::memcpy(output + left + row, border_.data(), right);
      input += row;
    }
    output += border_.size();
  }
}

}  // namespace spikescope
