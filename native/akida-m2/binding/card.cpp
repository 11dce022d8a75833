#include "card.h"

#include "../device/device_io.h"
#include "errors.h"

namespace spikescope::binding {

Napi::Value card_identification(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsString()) throw Fault("ARGUMENT", "expected a path", "", "device");
    return Napi::Number::New(info.Env(), read_identification(*open_device(info[0].As<Napi::String>())));
  });
}

}  // namespace spikescope::binding
