// Preloaded into a process, cuts its power at the n-th change that it makes below one folder: the change is torn, of
// what was not flushed a random part is lost, and the process ends by SIGKILL. Linux on 64 bits, where off_t and off64_t
// are the same.
//
//   POWER_CUT_FOLDER   absolute path of the folder; files that end in -shm are left alone (SQLite maps them)
//   POWER_CUT_BACKUPS  absolute path of an empty folder beside it, on the same file system
//   POWER_CUT_AT       which change, counted from 1
//   POWER_CUT_SEED     what is lost

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "medium.h"
#include "real.h"

namespace power_cut {

const Real& real() {
  static const Real functions = [] {
    const auto find = [](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(RTLD_NEXT, name));
    };
    Real found{};
    find(found.open, "open");
    find(found.write, "write");
    find(found.pwrite, "pwrite");
    find(found.ftruncate, "ftruncate");
    find(found.fsync, "fsync");
    find(found.fdatasync, "fdatasync");
    find(found.unlink, "unlink");
    find(found.rename, "rename");
    return found;
  }();
  return functions;
}

namespace {

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Inode inodeOf(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? Inode{status.st_dev, status.st_ino} : Inode{};
}

class Watch {
 public:
  Watch()
      : folder_(variable("POWER_CUT_FOLDER")),
        at_(std::strtoull(variable("POWER_CUT_AT"), nullptr, 10)),
        medium_(std::strtoull(variable("POWER_CUT_SEED"), nullptr, 10), variable("POWER_CUT_BACKUPS")) {}

  std::mutex mutex;

  bool covers(const char* path) const {
    const std::size_t length = std::strlen(path);
    const bool mapped = length > 4 && std::strcmp(path + length - 4, "-shm") == 0;
    return !folder_.empty() && !mapped && std::strncmp(path, (folder_ + "/").c_str(), folder_.size() + 1) == 0;
  }
  /// libuv closes descriptors by a system call of its own, which nothing can interpose, so a number may have passed to
  /// another file or to a socket: the inode tells.
  bool covers(int fd) const {
    const auto known = descriptors_.find(fd);
    return known != descriptors_.end() && known->second == inodeOf(fd);
  }
  void opened(int fd) { descriptors_[fd] = inodeOf(fd); }
  Medium& medium() { return medium_; }

  /// Counts a change whose beginning the medium knows already. Does not return from the one at which the power fails.
  void changed() {
    if (++count_ != at_) return;
    medium_.lose();
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }

 private:
  std::string folder_;
  unsigned long long at_;
  unsigned long long count_ = 0;
  Medium medium_;
  std::map<int, Inode> descriptors_;
};

/// Never destroyed: threads may write until the very end.
Watch& watch() {
  static Watch& instance = *new Watch();
  return instance;
}

bool isFolder(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

int openWatched(const char* path, int flags, mode_t mode) {
  Watch& on = watch();
  const std::lock_guard lock(on.mutex);
  const bool inside = on.covers(path);
  const bool isNew = inside && (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
  if (inside && (flags & O_TRUNC) != 0 && !isNew) {
    const int before = real().open(path, O_RDWR | O_CLOEXEC, 0);
    if (before >= 0) on.medium().willTruncate(before, 0);
  }
  const int fd = real().open(path, flags, mode);
  if (fd < 0 || !inside) return fd;
  if (isNew) {
    on.medium().created(path);
    on.changed();
  }
  on.opened(fd);
  return fd;
}

int flushWatched(int fd, int (*flush)(int)) {
  Watch& on = watch();
  const std::lock_guard lock(on.mutex);
  // A folder is opened by its own name, which does not lie below itself: any folder's flush is looked at.
  const bool counts = on.covers(fd) || isFolder(fd);
  if (counts) on.changed();
  const int result = flush(fd);
  if (counts && result == 0) on.medium().flushed(fd);
  return result;
}

}  // namespace
}  // namespace power_cut

using power_cut::real;
using power_cut::watch;

extern "C" {

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return power_cut::openWatched(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return power_cut::openWatched(path, flags, mode);
}

ssize_t pwrite64(int fd, const void* bytes, std::size_t length, off_t offset) {
  auto& on = watch();
  const std::lock_guard lock(on.mutex);
  if (on.covers(fd)) {
    on.medium().willWrite(fd, offset, bytes, length);
    on.changed();
  }
  return real().pwrite(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void* bytes, std::size_t length, off_t offset) {
  return pwrite64(fd, bytes, length, offset);
}

ssize_t write(int fd, const void* bytes, std::size_t length) {
  auto& on = watch();
  std::unique_lock lock(on.mutex);
  if (!on.covers(fd)) {
    lock.unlock();
    return real().write(fd, bytes, length);
  }
  on.medium().willWrite(fd, lseek(fd, 0, SEEK_CUR), bytes, length);
  on.changed();
  return real().write(fd, bytes, length);
}

static void refuseVector(int fd) {
  auto& on = watch();
  const std::lock_guard lock(on.mutex);
  if (on.covers(fd)) {
    std::fputs("power cut: writes from several buffers are not modelled\n", stderr);
    std::_Exit(97);
  }
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  refuseVector(fd);
  static const auto next = reinterpret_cast<ssize_t (*)(int, const struct iovec*, int)>(dlsym(RTLD_NEXT, "writev"));
  return next(fd, parts, count);
}

ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t offset) {
  refuseVector(fd);
  static const auto next =
      reinterpret_cast<ssize_t (*)(int, const struct iovec*, int, off_t)>(dlsym(RTLD_NEXT, "pwritev64"));
  return next(fd, parts, count, offset);
}

int ftruncate64(int fd, off_t size) {
  auto& on = watch();
  const std::lock_guard lock(on.mutex);
  if (on.covers(fd)) {
    on.medium().willTruncate(fd, size);
    on.changed();
  }
  return real().ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) { return power_cut::flushWatched(fd, real().fsync); }

int fdatasync(int fd) { return power_cut::flushWatched(fd, real().fdatasync); }

int unlink(const char* path) {
  auto& on = watch();
  const std::lock_guard lock(on.mutex);
  if (on.covers(path) && access(path, F_OK) == 0) {
    on.medium().willReplace(path, "");
    real().unlink(path);
    on.changed();
    return 0;
  }
  return real().unlink(path);
}

int rename(const char* from, const char* to) {
  auto& on = watch();
  const std::lock_guard lock(on.mutex);
  if (!on.covers(to)) return real().rename(from, to);
  on.medium().willReplace(to, from);
  const int result = real().rename(from, to);
  on.changed();
  return result;
}
}
