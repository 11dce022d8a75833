#pragma once

#include <memory>
#include <string>

#include "device_io.h"

namespace spikescope {

/**
 * `/dev/akida0` or `/dev/akd1500_0` of the kernel module akida-pcie: a file offset is an address of the card, a read or a
 * write one DMA transfer, which the driver gives up after 2 s (ETIMEDOUT). There is no ioctl, and nothing here is mapped,
 * so that the size of a page does not matter. @throws Fault as `open_device` does
 */
std::unique_ptr<DeviceIo> open_character_device(const std::string& path);

}  // namespace spikescope
