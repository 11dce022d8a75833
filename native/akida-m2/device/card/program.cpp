#include "program.h"

#include <cstring>
#include <string>

#include "../../engine/fault.h"
#include "akida/version.h"
#include "engine/akida_program_info_generated.h"

namespace spikescope {
namespace {

namespace fb = akida::fb;

/** The engine's buffers carry their own length in front. */
constexpr size_t kPrefix = sizeof(uint32_t);
constexpr size_t kLargestPart = size_t{64} << 20;
/** A descriptor holds a track's length in sixteen bits. */
constexpr uint32_t kMostTrackWords = 0xFFFF;
constexpr uint32_t kProcessorsPerNode = 4;
/** What may be written beside the tracks, from the base of that block of registers. */
constexpr uint32_t kRegisterBlock = 0x10000;

[[noreturn]] void refuse(const std::string& rule, const char* field) {
  throw Fault("DEVICE_PROGRAM", "the program for the card cannot be used: " + rule, "", field);
}

void require(bool holds, const char* rule, const char* field = "program.info") {
  if (!holds) refuse(rule, field);
}

void check_length(const std::vector<uint8_t>& part, const char* field) {
  uint32_t length = 0;
  if (part.size() < kPrefix || part.size() > kLargestPart) refuse("its length is impossible", field);
  std::memcpy(&length, part.data(), kPrefix);
  if (length != part.size() - kPrefix || part.size() % sizeof(uint32_t) != 0) refuse("it is not whole", field);
}

void check_track(const fb::TrackSpan& track, size_t data_bytes) {
  const size_t bytes = size_t{track.word_size()} * sizeof(uint32_t);
  require(track.word_size() > 0 && track.word_size() <= kMostTrackWords, "a track has an impossible length");
  require(track.offset_address() % sizeof(uint32_t) == 0 && track.offset_address() <= data_bytes &&
              bytes <= data_bytes - track.offset_address(),
          "a track lies outside the data");
}

void check_record(const fb::RecordSpans& record, size_t data_bytes) {
  if (record.tracks() != nullptr) {
    for (const fb::TrackSpan* track : *record.tracks()) check_track(*track, data_bytes);
  }
  if (const auto* external = record.fnp2_track()) {
    check_track(external->track(), data_bytes);
    require(external->np().id() < kProcessorsPerNode, "a track is for a processor that no node has");
  }
}

void check_tracks(const fb::ProgramInfo& info, size_t data_bytes) {
  const auto* passes = info.passes();
  require(passes != nullptr && passes->size() == 1, "it does not lie on the card in one pass");
  const auto* pass = passes->Get(0);
  const auto none = [](const auto* tracks) { return tracks == nullptr || tracks->size() == 0; };
  require(none(pass->skipdma_store_track()) && none(pass->skipdma_load_track()), "it is for a later kind of chip");
  require(pass->records() != nullptr, "it holds nothing");
  for (const fb::RecordSpans* record : *pass->records()) check_record(*record, data_bytes);
  require(info.learning_layer() == nullptr, "it learns on the card");
  if (info.epg_tracks() == nullptr) return;
  for (const auto* value : *info.epg_tracks()) {
    require(value->register_offset() < kRegisterBlock && value->register_offset() % sizeof(uint32_t) == 0,
            "it writes a register out of reach");
  }
}

bool is_shape(const flatbuffers::Vector<uint32_t>* dimensions, const Shape& shape) {
  const int32_t sides[] = {shape.height, shape.width, shape.channels};
  if (dimensions == nullptr || dimensions->size() != 3) return false;
  for (uint32_t i = 0; i < 3; i++) {
    if (dimensions->Get(i) != static_cast<uint32_t>(sides[i])) return false;
  }
  return true;
}

/** The shape that was flattened into the embedding. */
Shape shape_before_flatten(const Graph& graph) {
  size_t tensor = graph.head.input;
  while (tensor > 0 && std::holds_alternative<Flatten>(graph.nodes[tensor - 1].operation)) {
    tensor = graph.nodes[tensor - 1].inputs[0];
  }
  return graph.tensor(tensor).shape;
}

void check_versions(const fb::ProgramInfo& info) {
  require(info.version() != nullptr && info.device_version() != nullptr, "it does not say what it is for");
  const std::string version = info.version()->str();
  if (version != akida::version()) {
    refuse("it was compiled by version " + version + " and needs an engine of the same, not " + akida::version(),
           "program.info");
  }
}

void check_input(const fb::ProgramInfo& info, const Graph& graph) {
  require(is_shape(info.input_dims(), graph.input.shape), "it takes images of another shape");
  require(info.input_type() == fb::IoType_dense && info.input_bits() == 8 && !info.input_sign() &&
              !info.input_channels_first(),
          "it does not take an image's bytes");
}

OutputSlot check_output(const fb::ProgramInfo& info, const Graph& graph) {
  const Shape shape = shape_before_flatten(graph);
  require(is_shape(info.output_dims(), shape), "it does not end with the graph's embedding");
  const bool is_dense = info.output_type() == fb::IoType_dense;
  require((is_dense || info.output_type() == fb::IoType_cnp_sparse) && info.activation() && !info.anomaly_detection(),
          "it does not end with a convolution's activation");
  require(info.output_bits() >= 1 && info.output_bits() <= 4, "its activation has an impossible number of bits");
  require(graph.tensor(graph.head.input).zero_point == 0, "the graph's embedding has a zero point other than 0");
  return {static_cast<uint32_t>(shape.height), static_cast<uint32_t>(shape.width),
          static_cast<uint32_t>(shape.channels), (1u << info.output_bits()) - 1, is_dense};
}

uint32_t identification_of(const fb::DeviceVersion& version) {
  return uint32_t{version.vendor_id()} << 24 | uint32_t{version.product_id()} << 16 |
         uint32_t{version.major_rev()} << 8 | version.minor_rev();
}

}  // namespace

CheckedProgram check_program(const DeviceProgram& program, const Graph& graph) {
  if (program.info.empty()) refuse("the bundle has none", "program");
  check_length(program.info, "program.info");
  check_length(program.data, "program.data");
  flatbuffers::Verifier verifier(program.info.data(), program.info.size());
  require(fb::VerifySizePrefixedProgramInfoBuffer(verifier), "it is damaged");
  const fb::ProgramInfo& info = *fb::GetSizePrefixedProgramInfo(program.info.data());
  check_versions(info);
  check_input(info, graph);
  CheckedProgram checked;
  checked.output = check_output(info, graph);
  check_tracks(info, program.data.size());
  checked.input = graph.input.shape;
  checked.identification = identification_of(*info.device_version());
  checked.bytes = program.info;
  checked.bytes.insert(checked.bytes.end(), program.data.begin(), program.data.end());
  return checked;
}

}  // namespace spikescope
