// Preloaded into a process, records every byte that it hands to the system: to files, sockets, pipes and terminals.
//
//   WRITE_RECORD   absolute path of the record: for each write the length of its destination's name and of its bytes, both
//                  as 32 bits in the machine's order, then name and bytes. The name is what /proc says of the descriptor.

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace {

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

ssize_t plainWrite(int fd, const void* bytes, std::size_t length) {
  static const auto write = real<ssize_t (*)(int, const void*, std::size_t)>("write");
  return write(fd, bytes, length);
}

std::string destinationOf(int fd) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char name[PATH_MAX];
  const ssize_t length = readlink(link, name, sizeof name);
  return length < 0 ? std::string("unknown") : std::string(name, static_cast<std::size_t>(length));
}

class Record {
 public:
  Record() {
    const char* file = std::getenv("WRITE_RECORD");
    fd_ = file == nullptr ? -1 : open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }

  void take(int fd, const iovec* pieces, int count, ssize_t written) {
    if (fd_ < 0 || fd == fd_ || written <= 0) return;
    const std::string name = destinationOf(fd);
    std::string entry(8, '\0');
    entry += name;
    auto left = static_cast<std::size_t>(written);
    for (int i = 0; i < count && left > 0; i++) {
      const std::size_t length = pieces[i].iov_len < left ? pieces[i].iov_len : left;
      entry.append(static_cast<const char*>(pieces[i].iov_base), length);
      left -= length;
    }
    const std::uint32_t lengths[] = {static_cast<std::uint32_t>(name.size()),
                                     static_cast<std::uint32_t>(entry.size() - 8 - name.size())};
    entry.replace(0, 8, reinterpret_cast<const char*>(lengths), 8);
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < entry.size();) {
      const ssize_t done = plainWrite(fd_, entry.data() + at, entry.size() - at);
      // A record with a gap would prove nothing.
      if (done < 0) std::abort();
      at += static_cast<std::size_t>(done);
    }
  }

 private:
  int fd_;
  std::mutex mutex_;
};

/// Never destroyed: threads may write until the very end.
Record& record() {
  static Record& instance = *new Record();
  return instance;
}

ssize_t taken(int fd, const void* bytes, std::size_t length, ssize_t written) {
  const iovec piece{const_cast<void*>(bytes), length};
  record().take(fd, &piece, 1, written);
  return written;
}

ssize_t taken(int fd, const iovec* pieces, int count, ssize_t written) {
  record().take(fd, pieces, count, written);
  return written;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, std::size_t length) {
  return taken(fd, bytes, length, plainWrite(fd, bytes, length));
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  return taken(fd, pieces, count, call(fd, pieces, count));
}

ssize_t pwrite(int fd, const void* bytes, std::size_t length, off_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  return taken(fd, bytes, length, call(fd, bytes, length, at));
}

ssize_t pwrite64(int fd, const void* bytes, std::size_t length, off64_t at) {
  static const auto call = real<ssize_t (*)(int, const void*, std::size_t, off64_t)>("pwrite64");
  return taken(fd, bytes, length, call(fd, bytes, length, at));
}

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  return taken(fd, pieces, count, call(fd, pieces, count, at));
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t at) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int, off64_t)>("pwritev64");
  return taken(fd, pieces, count, call(fd, pieces, count, at));
}

ssize_t send(int fd, const void* bytes, std::size_t length, int flags) {
  static const auto call = real<ssize_t (*)(int, const void*, std::size_t, int)>("send");
  return taken(fd, bytes, length, call(fd, bytes, length, flags));
}

ssize_t sendto(int fd, const void* bytes, std::size_t length, int flags, const sockaddr* to, socklen_t size) {
  static const auto call =
      real<ssize_t (*)(int, const void*, std::size_t, int, const sockaddr*, socklen_t)>("sendto");
  return taken(fd, bytes, length, call(fd, bytes, length, flags, to, size));
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto call = real<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  return taken(fd, message->msg_iov, static_cast<int>(message->msg_iovlen), call(fd, message, flags));
}

}  // extern "C"
