#include "registry.h"

#include "../engine/fault.h"

namespace spikescope {

const BackendRegistration& find_backend(const std::string& kind, const std::string& device) {
  std::string kinds;
  for (const BackendRegistration* backend : kBackends) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(backend->kind);
    if (backend->kind != kind) continue;
    const BackendPresence presence = backend->describe(device);
    if (presence.present) return *backend;
    throw Fault("BACKEND_ABSENT", "the backend '" + kind + "' cannot be opened: " + presence.detail, "", "backend");
  }
  throw Fault("BACKEND_UNKNOWN", "this build has no backend '" + kind + "'; it has: " + kinds, "", "backend");
}

namespace {

void refuse_if(bool is_given, const std::string& kind, const char* option) {
  if (!is_given) return;
  throw Fault("BACKEND_UNSUPPORTED", "the backend '" + kind + "' does not have this option", "", option);
}

}  // namespace

void refuse_processor_options(const BackendOptions& options, const std::string& kind) {
  const BackendOptions usual;
  refuse_if(options.instruction_set != usual.instruction_set, kind, "instructionSet");
  refuse_if(options.threads != usual.threads, kind, "threads");
  refuse_if(options.keep_tensors != usual.keep_tensors, kind, "keepTensors");
}

void refuse_card_options(const BackendOptions& options, const std::string& kind) {
  refuse_if(!options.device.empty(), kind, "device");
  refuse_if(!options.program.info.empty() || !options.program.data.empty(), kind, "program");
}

void refuse_options(const BackendOptions& options, const std::string& kind) {
  refuse_processor_options(options, kind);
  refuse_card_options(options, kind);
}

}  // namespace spikescope
