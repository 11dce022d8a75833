// The C library's own functions, past those that this object interposes.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace power_cut {

struct Real {
  int (*open)(const char*, int, ...);
  ssize_t (*write)(int, const void*, std::size_t);
  ssize_t (*pwrite)(int, const void*, std::size_t, off_t);
  int (*ftruncate)(int, off_t);
  int (*fsync)(int);
  int (*fdatasync)(int);
  int (*unlink)(const char*);
  int (*rename)(const char*, const char*);
};

const Real& real();

}  // namespace power_cut
