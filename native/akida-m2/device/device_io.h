#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace spikescope {

/** Largest transfer at once; the card's kernel driver cuts what is larger into these itself. */
constexpr size_t kLargestTransfer = 1024;

/**
 * Bytes at the 32-bit addresses of a card. It belongs to whoever opened it until it is destroyed; one thread uses it.
 * Every call is bounded in time.
 */
class DeviceIo {
 public:
  virtual ~DeviceIo() = default;

  /** @throws Fault DEVICE_TIMEOUT, DEVICE_GONE, DEVICE_TRANSFER, DEVICE_FAILED; then it is of no more use */
  void read(uint32_t address, void* data, size_t size);
  /** @throws Fault as `read` does */
  void write(uint32_t address, const void* data, size_t size);

 protected:
  /** One transfer of at most kLargestTransfer bytes: how many were moved, or the system's error number, negative. */
  virtual ptrdiff_t read_once(uint32_t address, void* data, size_t size) = 0;
  virtual ptrdiff_t write_once(uint32_t address, const void* data, size_t size) = 0;
};

/** First of a card's registers: which chip it is. */
constexpr uint32_t kIdentificationRegister = 0xFCC00000;

/** Reads it: all ones where the core is dead. @throws Fault as `DeviceIo::read` does */
uint32_t read_identification(DeviceIo& io);

/** Names a card instead of the first that is found. */
constexpr const char* kDeviceVariable = "SPIKESCOPE_AKIDA_DEVICE";

/** Paths of the cards that the kernel's driver has found. */
std::vector<std::string> find_devices();

/** The card to use: the one named, else that of kDeviceVariable, else the first found; empty where there is none. */
std::string choose_device(const std::string& named);

/**
 * A character device of the kernel's driver; or, so that everything above this line can be tested without a card, a
 * socket whose other end answers reads and writes (device_socket.h).
 * @throws Fault DEVICE_GONE where there is none, DEVICE_DENIED, DEVICE_BUSY when another has it, DEVICE_FAILED
 */
std::unique_ptr<DeviceIo> open_device(const std::string& path);

}  // namespace spikescope
