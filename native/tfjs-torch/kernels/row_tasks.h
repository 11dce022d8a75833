#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

/**
 * How sums over the rows of [rows, channels] are divided: by sizes alone, so that results are the same for any number of
 * threads.
 */
namespace spikescope::training {

/** Values that one task sums. */
constexpr int64_t kTask = 65536;
/** Values that fit the first two levels of cache: a second look at them is free, and float32 sums them well. */
constexpr int64_t kBlock = 8192;

inline int64_t rows_in(int64_t values, int64_t channels) {
  return std::max<int64_t>(1, values / std::max<int64_t>(1, channels));
}

inline int64_t tasks_of(int64_t rows, int64_t channels) {
  const int64_t step = rows_in(kTask, channels);
  return (rows + step - 1) / step;
}

/** `body(task, first row, rows)` for every task, on all threads. */
template <typename Body>
void for_each_task(int64_t rows, int64_t channels, Body body) {
  const int64_t step = rows_in(kTask, channels);
  at::parallel_for(0, tasks_of(rows, channels), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) body(task, task * step, std::min(step, rows - task * step));
  });
}

/** `body(first row, rows)` for each block of some rows. */
template <typename Body>
void for_each_block(int64_t rows, int64_t channels, Body body) {
  const int64_t step = rows_in(kBlock, channels);
  for (int64_t begin = 0; begin < rows; begin += step) body(begin, std::min(step, rows - begin));
}

}  // namespace spikescope::training
