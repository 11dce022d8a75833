#pragma once

#include <cstddef>

namespace spikescope::measure {

/**
 * Bytes a second that one core reads from `bytes` of memory that it goes through again and again: how large they are
 * decides whether they come from a cache or from memory. The fastest of many runs.
 * @param bytes a multiple of 64
 * @param seconds how long to try
 * @throws std::bad_alloc
 */
double read_bandwidth(size_t bytes, double seconds);

}  // namespace spikescope::measure
