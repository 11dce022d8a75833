#include "medium.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "real.h"

namespace power_cut {
namespace {

constexpr off_t kSector = 512;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::_Exit(97);
}

struct stat statOf(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail("power cut: fstat");
  return status;
}

Inode inodeOf(const struct stat& status) { return {status.st_dev, status.st_ino}; }

Inode folderOf(const std::string& path) {
  struct stat status {};
  if (stat(path.substr(0, path.rfind('/')).c_str(), &status) != 0) fail("power cut: stat");
  return inodeOf(status);
}

std::vector<std::uint8_t> contentOf(int fd, off_t offset, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  const ssize_t got = pread(fd, bytes.data(), length, offset);
  if (got < 0) fail("power cut: pread");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

void put(int fd, off_t offset, const std::uint8_t* bytes, std::size_t length) {
  if (length > 0 && real().pwrite(fd, bytes, length, offset) != static_cast<ssize_t>(length)) {
    fail("power cut: pwrite");
  }
}

void resize(int fd, off_t size) {
  if (real().ftruncate(fd, size) != 0) fail("power cut: ftruncate");
}

}  // namespace

Medium::Medium(std::uint64_t seed, std::string backups) : random_(seed), backups_(std::move(backups)) {}

Medium::File& Medium::fileOf(int fd) {
  const Inode inode = inodeOf(statOf(fd));
  const auto known = files_.find(inode);
  if (known != files_.end()) return known->second;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int own = real().open(path.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (own < 0) fail("power cut: open");
  return files_.emplace(inode, File{own, {}}).first->second;
}

void Medium::willWrite(int fd, off_t offset, const void* bytes, std::size_t length) {
  File& file = fileOf(fd);
  const off_t size = statOf(fd).st_size;
  const auto* data = static_cast<const std::uint8_t*>(bytes);
  file.changes.push_back({offset, contentOf(file.fd, offset, length), {data, data + length}, size,
                          std::max(size, offset + static_cast<off_t>(length))});
}

void Medium::willTruncate(int fd, off_t newSize) {
  File& file = fileOf(fd);
  const off_t size = statOf(fd).st_size;
  const std::size_t cut = newSize < size ? static_cast<std::size_t>(size - newSize) : 0;
  file.changes.push_back({newSize, contentOf(file.fd, newSize, cut), {}, size, newSize});
}

void Medium::created(const std::string& path) {
  names_.push_back({FolderChange::Kind::create, folderOf(path), path, "", ""});
}

void Medium::willReplace(const std::string& path, const std::string& from) {
  std::string backup = backups_ + "/" + std::to_string(backupCount_++);
  if (link(path.c_str(), backup.c_str()) != 0) backup.clear();
  const auto kind = from.empty() ? FolderChange::Kind::unlink : FolderChange::Kind::rename;
  names_.push_back({kind, folderOf(path), path, from, backup});
}

void Medium::flushed(int fd) {
  const struct stat status = statOf(fd);
  const Inode inode = inodeOf(status);
  if (S_ISDIR(status.st_mode)) {
    names_.erase(std::remove_if(names_.begin(), names_.end(),
                                [&](const FolderChange& change) { return change.folder == inode; }),
                 names_.end());
  } else if (const auto file = files_.find(inode); file != files_.end()) {
    file->second.changes.clear();
  }
}

void Medium::lose() {
  for (auto& [inode, file] : files_) loseContents(file);
  loseNames();
}

void Medium::loseContents(File& file) {
  for (auto change = file.changes.rbegin(); change != file.changes.rend(); ++change) {
    put(file.fd, change->offset, change->before.data(), change->before.size());
    resize(file.fd, change->sizeBefore);
  }
  // Nothing survives, all does, or some of it: the extremes are as likely as what lies between.
  const auto quarters = random_() % 5;
  const auto survives = [&] { return random_() % 4 < quarters; };
  for (const ContentChange& change : file.changes) {
    if (change.after.empty()) {
      if (survives()) resize(file.fd, change.sizeAfter);
      continue;
    }
    const off_t end = change.offset + static_cast<off_t>(change.after.size());
    for (off_t at = change.offset; at < end;) {
      const off_t next = std::min(end, (at / kSector + 1) * kSector);
      if (survives()) put(file.fd, at, &change.after[at - change.offset], next - at);
      at = next;
    }
  }
}

void Medium::loseNames() {
  const std::size_t kept = names_.empty() ? 0 : random_() % (names_.size() + 1);
  for (std::size_t i = names_.size(); i > kept; --i) {
    const FolderChange& change = names_[i - 1];
    switch (change.kind) {
      case FolderChange::Kind::create:
        real().unlink(change.path.c_str());
        break;
      case FolderChange::Kind::rename:
        real().rename(change.path.c_str(), change.from.c_str());
        [[fallthrough]];
      case FolderChange::Kind::unlink:
        if (!change.backup.empty()) real().rename(change.backup.c_str(), change.path.c_str());
        break;
    }
  }
}

}  // namespace power_cut
