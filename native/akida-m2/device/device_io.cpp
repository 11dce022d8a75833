#include "device_io.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../engine/fault.h"
#include "character_device.h"
#include "device_socket.h"

namespace spikescope {
namespace {

/** Signals that may come between before a transfer counts as failed. */
constexpr int kMostInterruptions = 100;

std::string place_of(const char* call, uint32_t address, size_t size) {
  char text[64];
  std::snprintf(text, sizeof text, "%s of %zu bytes at 0x%08x", call, size, address);
  return text;
}

Fault fault_of(int error, const std::string& place) {
  switch (error) {
    case ETIMEDOUT:
      return Fault("DEVICE_TIMEOUT", "the card does not end a transfer in time: " + place);
    case ENODEV:
    case ENXIO:
    case EIO:
    case EPIPE:
    case ECONNRESET:
      return Fault("DEVICE_GONE", "the card is gone: " + place);
    default:
      return Fault("DEVICE_FAILED", "the card's driver refuses a transfer: " + place + ", " + std::strerror(error));
  }
}

/** Moves everything, piece by piece. `once(offset, size)` makes one transfer. */
template <typename Once>
void move(const char* call, uint32_t address, size_t size, const Once& once) {
  for (size_t done = 0; done < size;) {
    const size_t piece = std::min(kLargestTransfer, size - done);
    ptrdiff_t moved = -EINTR;
    for (int tries = 0; moved == -EINTR && tries < kMostInterruptions; tries++) moved = once(done, piece);
    const std::string place = place_of(call, address + static_cast<uint32_t>(done), piece);
    if (moved < 0) throw fault_of(static_cast<int>(-moved), place);
    if (static_cast<size_t>(moved) != piece) {
      throw Fault("DEVICE_TRANSFER", "the card moved " + std::to_string(moved) + " bytes: " + place);
    }
    done += piece;
  }
}

bool is_card(const std::string& name) {
  for (const std::string prefix : {"akida", "akd1500_"}) {
    if (name.size() <= prefix.size() || name.compare(0, prefix.size(), prefix) != 0) continue;
    if (std::all_of(name.begin() + static_cast<ptrdiff_t>(prefix.size()), name.end(),
                    [](char c) { return c >= '0' && c <= '9'; })) {
      return true;
    }
  }
  return false;
}

}  // namespace

void DeviceIo::read(uint32_t address, void* data, size_t size) {
  auto* const bytes = static_cast<uint8_t*>(data);
  move("a read", address, size, [&](size_t offset, size_t piece) {
    return read_once(address + static_cast<uint32_t>(offset), bytes + offset, piece);
  });
}

void DeviceIo::write(uint32_t address, const void* data, size_t size) {
  const auto* const bytes = static_cast<const uint8_t*>(data);
  move("a write", address, size, [&](size_t offset, size_t piece) {
    return write_once(address + static_cast<uint32_t>(offset), bytes + offset, piece);
  });
}

uint32_t read_identification(DeviceIo& io) {
  uint32_t identification = 0;
  io.read(kIdentificationRegister, &identification, sizeof identification);
  return identification;
}

std::vector<std::string> find_devices() {
  std::vector<std::string> paths;
  DIR* const folder = opendir("/dev");
  if (folder == nullptr) return paths;
  while (const dirent* entry = readdir(folder)) {
    if (is_card(entry->d_name)) paths.push_back(std::string("/dev/") + entry->d_name);
  }
  closedir(folder);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string choose_device(const std::string& named) {
  if (!named.empty()) return named;
  const char* const variable = std::getenv(kDeviceVariable);
  if (variable != nullptr && *variable != '\0') return variable;
  const std::vector<std::string> found = find_devices();
  return found.empty() ? "" : found.front();
}

std::unique_ptr<DeviceIo> open_device(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw Fault("DEVICE_GONE", "there is no card at " + path + ": " + std::strerror(errno), "", "device");
  }
  if (S_ISSOCK(status.st_mode)) return open_device_socket(path);
  if (S_ISCHR(status.st_mode)) return open_character_device(path);
  throw Fault("DEVICE_GONE", path + " is no character device", "", "device");
}

}  // namespace spikescope
