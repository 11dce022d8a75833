#include "errors.h"

namespace spikescope::binding {

Napi::Error error_from(Napi::Env env, const Fault& fault) {
  Napi::Error error = Napi::Error::New(env, fault.what());
  error.Set("code", Napi::String::New(env, fault.code));
  if (!fault.node.empty()) error.Set("node", Napi::String::New(env, fault.node));
  if (!fault.field.empty()) error.Set("field", Napi::String::New(env, fault.field));
  return error;
}

}  // namespace spikescope::binding
