#include "device_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "../engine/fault.h"
#include "device_file.h"

namespace spikescope {
namespace {

/** Longer than the 2 s after which a card's driver itself gives a transfer up. */
constexpr time_t kPatienceSeconds = 3;

class DeviceSocket final : public DeviceIo {
 public:
  DeviceSocket(DeviceFile lock, DeviceFile socket) : lock_(std::move(lock)), socket_(std::move(socket)) {}

 private:
  enum Call : uint32_t { kRead = 0, kWrite = 1 };

  ptrdiff_t read_once(uint32_t address, void* data, size_t size) override {
    if (const int error = ask(kRead, address, size, nullptr)) return -error;
    const ptrdiff_t moved = answer(size);
    if (moved <= 0) return moved;
    const int error = receive(data, static_cast<size_t>(moved));
    return error == 0 ? moved : -error;
  }

  ptrdiff_t write_once(uint32_t address, const void* data, size_t size) override {
    if (const int error = ask(kWrite, address, size, data)) return -error;
    return answer(size);
  }

  int ask(Call call, uint32_t address, size_t size, const void* data) {
    const uint32_t question[3] = {call, address, static_cast<uint32_t>(size)};
    uint8_t message[sizeof question + kLargestTransfer];
    std::memcpy(message, question, sizeof question);
    size_t length = sizeof question;
    if (data != nullptr) {
      std::memcpy(message + length, data, size);
      length += size;
    }
    for (size_t sent = 0; sent < length;) {
      const ssize_t part = send(socket_.descriptor(), message + sent, length - sent, MSG_NOSIGNAL);
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) return error_number();
      sent += static_cast<size_t>(part);
    }
    return 0;
  }

  /** Bytes moved, never more than were asked for, or the error number, negative. */
  ptrdiff_t answer(size_t size) {
    int32_t moved = 0;
    if (const int error = receive(&moved, sizeof moved)) return -error;
    return moved > static_cast<ptrdiff_t>(size) ? -EPROTO : moved;
  }

  int receive(void* data, size_t size) {
    auto* const bytes = static_cast<uint8_t*>(data);
    for (size_t received = 0; received < size;) {
      const ssize_t part = recv(socket_.descriptor(), bytes + received, size - received, 0);
      if (part == 0) return ENODEV;
      if (part < 0 && errno == EINTR) continue;
      if (part < 0) return error_number();
      received += static_cast<size_t>(part);
    }
    return 0;
  }

  static int error_number() { return errno == EAGAIN || errno == EWOULDBLOCK ? ETIMEDOUT : errno; }

  DeviceFile lock_;
  DeviceFile socket_;
};

void bound_waits(const DeviceFile& socket) {
  const timeval patience{kPatienceSeconds, 0};
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

}  // namespace

std::unique_ptr<DeviceIo> open_device_socket(const std::string& path) {
  DeviceFile lock = open_device_file(path + ".lock", O_CREAT);
  lock_device(lock, path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Fault("DEVICE_FAILED", "the name of the socket is too long: " + path, "", "device");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  DeviceFile socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  bound_waits(socket);
  if (connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw Fault("DEVICE_GONE", "nobody answers at " + path + ": " + std::strerror(errno), "", "device");
  }
  return std::make_unique<DeviceSocket>(std::move(lock), std::move(socket));
}

}  // namespace spikescope
