#include "device_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "../engine/fault.h"

namespace spikescope {
namespace {

Fault busy(const std::string& path) {
  return Fault("DEVICE_BUSY", "another process, or another engine of this one, has the card " + path, "", "device");
}

}  // namespace

DeviceFile::~DeviceFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

DeviceFile open_device_file(const std::string& path, int more_flags) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | more_flags, 0600);
  if (descriptor >= 0) return DeviceFile(descriptor);
  const std::string words = path + ": " + std::strerror(errno);
  switch (errno) {
    case EACCES:
    case EPERM:
      throw Fault("DEVICE_DENIED", "the card may not be opened by this user: " + words, "", "device");
    case EBUSY:
      throw busy(path);
    case ENOENT:
    case ENODEV:
    case ENXIO:
      throw Fault("DEVICE_GONE", "there is no card at " + words, "", "device");
    default:
      throw Fault("DEVICE_FAILED", "the card cannot be opened: " + words, "", "device");
  }
}

void lock_device(const DeviceFile& file, const std::string& path) {
  if (flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) throw busy(path);
  throw Fault("DEVICE_FAILED", "the card cannot be locked: " + path + ": " + std::strerror(errno), "", "device");
}

}  // namespace spikescope
