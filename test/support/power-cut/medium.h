// What a storage medium keeps when the power fails: everything that was flushed, and of the rest whatever it likes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace power_cut {

/// A file or folder, whatever its names.
using Inode = std::pair<dev_t, ino_t>;

/// One change of a file's content that has not been flushed.
struct ContentChange {
  off_t offset;
  std::vector<std::uint8_t> before;  ///< What stood there; shorter than `after` where the file ended.
  std::vector<std::uint8_t> after;   ///< Empty for a change of the size alone.
  off_t sizeBefore;
  off_t sizeAfter;
};

/// One change of a folder that has not been flushed.
struct FolderChange {
  enum class Kind { create, rename, unlink };
  Kind kind;
  Inode folder;
  std::string path;    ///< What was created, renamed to, or unlinked.
  std::string from;    ///< Of a rename.
  std::string backup;  ///< Another name of the file that a rename or unlink took away; empty where there was none.
};

/// Remembers what is not flushed yet and, at the cut, loses a random part of it: of the contents any 512-byte sectors,
/// of the folders' changes the last ones. All its calls go past the interposed functions.
class Medium {
 public:
  /// \param backups a folder beside the watched one, on the same file system
  Medium(std::uint64_t seed, std::string backups);

  /// Call before the file changes; the bytes of a truncation are empty.
  void willWrite(int fd, off_t offset, const void* bytes, std::size_t length);
  void willTruncate(int fd, off_t size);
  void created(const std::string& path);
  /// \param from empty for an unlink
  void willReplace(const std::string& path, const std::string& from);
  /// A file's contents or a folder's names are on the medium.
  void flushed(int fd);
  /// Leaves on the medium what a power failure would.
  void lose();

 private:
  struct File {
    int fd;  ///< Of our own, and never closed: closing any descriptor of a file would end the process's locks on it.
    std::vector<ContentChange> changes;
  };

  File& fileOf(int fd);
  void loseContents(File& file);
  void loseNames();

  std::mt19937_64 random_;
  std::string backups_;
  unsigned backupCount_ = 0;
  std::map<Inode, File> files_;
  std::vector<FolderChange> names_;
};

}  // namespace power_cut
