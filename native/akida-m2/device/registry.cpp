#include "registry.h"

#include "../engine/fault.h"

namespace spikescope {

const BackendRegistration& find_backend(const std::string& kind) {
  std::string kinds;
  for (const BackendRegistration* backend : kBackends) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(backend->kind);
    if (backend->kind != kind) continue;
    const BackendPresence presence = backend->describe();
    if (presence.present) return *backend;
    throw Fault("BACKEND_ABSENT", "the backend '" + kind + "' cannot be opened: " + presence.detail, "", "backend");
  }
  throw Fault("BACKEND_UNKNOWN", "this build has no backend '" + kind + "'; it has: " + kinds, "", "backend");
}

void refuse_options(const BackendOptions& options, const std::string& kind) {
  const BackendOptions usual;
  const auto refuse = [&](const char* option) {
    throw Fault("BACKEND_UNSUPPORTED", "the backend '" + kind + "' does not have this option", "", option);
  };
  if (options.instruction_set != usual.instruction_set) refuse("instructionSet");
  if (options.threads != usual.threads) refuse("threads");
  if (options.keep_tensors != usual.keep_tensors) refuse("keepTensors");
}

}  // namespace spikescope
