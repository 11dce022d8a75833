#pragma once

#include <algorithm>
#include <chrono>

namespace spikescope::measure {

/** Seconds of the fastest of as many calls of `run` as begin within `seconds`; at least three. */
template <typename Run>
double fastest(double seconds, const Run& run) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point begin = Clock::now();
  double best = 0;
  for (int done = 0; done < 3 || since(begin) < seconds; done++) {
    const Clock::time_point start = Clock::now();
    run();
    const double taken = since(start);
    best = done == 0 ? taken : std::min(best, taken);
  }
  return best;
}

}  // namespace spikescope::measure
