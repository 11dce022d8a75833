#pragma once

#include <napi.h>

namespace spikescope::binding {

/**
 * `cardIdentification(path)` → what the identification register of the card reads; all ones where its core is dead. Holds
 * the thread until the driver answers, 2 s at most. Throws Fault ARGUMENT, DEVICE_*.
 */
Napi::Value card_identification(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
