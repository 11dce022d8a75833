#pragma once

#include <cstdint>
#include <vector>

#include "../../engine/graph.h"
#include "../registry.h"
#include "output_slot.h"

namespace spikescope {

/** A program that fits the graph and the vendor's engine: nothing in it can lead the engine astray. */
struct CheckedProgram {
  /** Both parts, one after the other, as the engine takes them. */
  std::vector<uint8_t> bytes;
  /** Of the image. */
  Shape input;
  /** What the card answers: the graph's embedding. */
  OutputSlot output;
  /** Of the card that it was compiled for, as its identification register has it. */
  uint32_t identification = 0;
};

/**
 * Checks everything that the engine takes on trust: lengths, tracks within the data, the version of the compiler, shapes.
 * @throws Fault DEVICE_PROGRAM
 */
CheckedProgram check_program(const DeviceProgram& program, const Graph& graph);

}  // namespace spikescope
