#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace spikescope::cache {

/** A whole file in memory, read in as it is touched. What is written stays in this process and out of the file. */
class MappedFile {
 public:
  /** Throws std::system_error when the file cannot be mapped; an empty file cannot. */
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  uint8_t* data() const { return data_; }
  size_t length() const { return length_; }

 private:
  uint8_t* data_ = nullptr;
  size_t length_ = 0;
};

}  // namespace spikescope::cache
