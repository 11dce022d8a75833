#pragma once

#include <memory>
#include <string>

#include "device_io.h"

namespace spikescope {

/**
 * A Unix-domain socket at whose other end somebody plays the card: what is pread and pwrite on a card is here a message
 * and its answer, with the same addresses, sizes, short counts and error numbers. All numbers are 32 bits, little endian.
 *
 *   question: 0 to read or 1 to write, address, size, then the bytes to write
 *   answer: bytes moved, or the error number, negative; then the bytes read
 *
 * Beside the socket lies PATH.lock, which is locked as a card is. @throws Fault as `open_device` does
 */
std::unique_ptr<DeviceIo> open_device_socket(const std::string& path);

}  // namespace spikescope
