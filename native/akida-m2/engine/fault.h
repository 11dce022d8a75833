#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace spikescope {

/** A fault that JavaScript sees as an error with a stable `code` and, where known, the node and field at fault. */
class Fault : public std::runtime_error {
 public:
  Fault(std::string code, const std::string& message, std::string node = "", std::string field = "")
      : std::runtime_error(message), code(std::move(code)), node(std::move(node)), field(std::move(field)) {}

  const std::string code;
  const std::string node;
  const std::string field;
};

}  // namespace spikescope
