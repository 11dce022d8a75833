#pragma once

#include <string>

namespace spikescope {

/** An open file that is closed with it. */
class DeviceFile {
 public:
  explicit DeviceFile(int descriptor) : descriptor_(descriptor) {}
  DeviceFile(DeviceFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  DeviceFile(const DeviceFile&) = delete;
  DeviceFile& operator=(const DeviceFile&) = delete;
  DeviceFile& operator=(DeviceFile&&) = delete;
  ~DeviceFile();

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/** Opens for reading and writing. @throws Fault DEVICE_GONE, DEVICE_DENIED, DEVICE_BUSY, DEVICE_FAILED */
DeviceFile open_device_file(const std::string& path, int more_flags = 0);

/**
 * Keeps every other owner off, in this process and in others, until the file is closed: the card's driver lets any number
 * open it. @throws Fault DEVICE_BUSY, DEVICE_FAILED
 */
void lock_device(const DeviceFile& file, const std::string& path);

}  // namespace spikescope
