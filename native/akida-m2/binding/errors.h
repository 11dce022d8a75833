#pragma once

#include <napi.h>

#include <new>

#include "../engine/fault.h"

namespace spikescope::binding {

/** A JavaScript error with `code` and, where known, `node` and `field`. */
Napi::Error error_from(Napi::Env env, const Fault& fault);

/** Runs `body`; a Fault or a lack of memory becomes a JavaScript exception. */
template <typename Body>
auto guarded(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const Fault& fault) {
    throw error_from(env, fault);
  } catch (const std::bad_alloc&) {
    throw error_from(env, Fault("OUT_OF_MEMORY", "not enough memory"));
  }
}

}  // namespace spikescope::binding
