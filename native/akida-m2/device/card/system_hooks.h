#pragma once

#include <stdexcept>

namespace spikescope {

/** The vendor's engine calls `panic` where it cannot go on; what it says then. */
class EnginePanic : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace spikescope
