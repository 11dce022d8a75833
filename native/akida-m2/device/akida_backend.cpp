#include <utility>

#include "../engine/fault.h"
#include "card_opener.h"
#include "device_io.h"

namespace spikescope {
namespace {

BackendPresence describe(const std::string& named) {
  const std::string device = choose_device(named);
  if (kOpenCard == nullptr) {
    const std::string card = device.empty() ? "" : "; there is a card at " + device;
    return {false, "this build has no engine for the card (AKIDA_ENGINE_DIR)" + card};
  }
  if (device.empty()) return {false, "there is no card: neither /dev/akida0 nor /dev/akd1500_0"};
  return {true, "the card at " + device};
}

std::unique_ptr<Backend> open(Graph graph, const BackendOptions& options) {
  if (kOpenCard != nullptr) return kOpenCard(std::move(graph), options);
  throw Fault("BACKEND_ABSENT", "the backend 'akida' cannot be opened: " + describe(options.device).detail, "", "backend");
}

}  // namespace

const BackendRegistration kAkidaBackend{"akida", describe, open, nullptr};

}  // namespace spikescope
