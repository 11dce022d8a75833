#include <napi.h>

#include <memory>
#include <system_error>

#include "../cache/mapped_file.h"
#include "arguments.h"
#include "render_worker.h"

namespace spikescope::binding {
namespace {

/** mapFile(path) → Uint8Array over the whole file; unmapped when it is collected. */
Napi::Value map_file(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) refuse(env, "path", "a string");
  try {
    auto file = std::make_unique<cache::MappedFile>(info[0].As<Napi::String>().Utf8Value());
    const size_t length = file->length();
    uint8_t* const data = file->data();
    auto buffer = Napi::ArrayBuffer::New(
        env, data, length, [](Napi::Env, void*, cache::MappedFile* owner) { delete owner; }, file.get());
    file.release();
    return Napi::Uint8Array::New(env, length, buffer, 0);
  } catch (const std::system_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("mapFile", Napi::Function::New(env, map_file, "mapFile"));
  exports.Set("render", Napi::Function::New(env, render, "render"));
  return exports;
}

}  // namespace

NODE_API_MODULE(training_data, initialise)

}  // namespace spikescope::binding
