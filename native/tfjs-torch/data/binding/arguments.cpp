#include "arguments.h"

#include <cmath>

namespace spikescope::binding {

void refuse(Napi::Env env, const std::string& argument, const std::string& expected) {
  throw Napi::TypeError::New(env, argument + ": expected " + expected);
}

int64_t read_integer(Napi::Env env, double number, int64_t minimum, int64_t maximum, const char* argument) {
  if (!(number >= static_cast<double>(minimum) && number <= static_cast<double>(maximum)) ||
      std::floor(number) != number) {
    refuse(env, argument, "an integer in " + std::to_string(minimum) + "…" + std::to_string(maximum));
  }
  return static_cast<int64_t>(number);
}

}  // namespace spikescope::binding
