#include "character_device.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "device_file.h"

namespace spikescope {
namespace {

class CharacterDevice final : public DeviceIo {
 public:
  explicit CharacterDevice(DeviceFile file) : file_(std::move(file)) {}

 private:
  ptrdiff_t read_once(uint32_t address, void* data, size_t size) override {
    const ssize_t moved = pread(file_.descriptor(), data, size, static_cast<off_t>(address));
    return moved < 0 ? -errno : moved;
  }

  ptrdiff_t write_once(uint32_t address, const void* data, size_t size) override {
    const ssize_t moved = pwrite(file_.descriptor(), data, size, static_cast<off_t>(address));
    return moved < 0 ? -errno : moved;
  }

  static_assert(sizeof(off_t) >= 8, "addresses beyond 0x7fffffff must fit a file offset");

  DeviceFile file_;
};

}  // namespace

std::unique_ptr<DeviceIo> open_character_device(const std::string& path) {
  DeviceFile file = open_device_file(path);
  lock_device(file, path);
  return std::make_unique<CharacterDevice>(std::move(file));
}

}  // namespace spikescope
