#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <vector>

#include "../device/registry.h"
#include "infer_worker.h"

namespace spikescope::binding {

/**
 * The JavaScript object of one engine: `infer(inputs)`, `trace(input)`, `profile(input, rounds)`, `close()`,
 * `backend`, `instructionSet`, `arenaBytes`. Calls run one after the other on a thread of the pool of libuv; the rest
 * wait here, not in that pool. After a failure of the backend every call is refused until it is opened anew.
 */
class EngineObject : public Napi::ObjectWrap<EngineObject>, public InferOwner {
 public:
  static Napi::Function define(Napi::Env env);

  /** Takes one External<OpenBackend>, which it empties. */
  explicit EngineObject(const Napi::CallbackInfo& info);
  ~EngineObject() override;

 private:
  Napi::Value infer(const Napi::CallbackInfo& info);
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value backend(const Napi::CallbackInfo& info);
  Napi::Value instruction_set(const Napi::CallbackInfo& info);
  Napi::Value arena_bytes(const Napi::CallbackInfo& info);

  void cancel(const Napi::CallbackInfo& info);

  void start_next();
  void call_ended(InferBuffers buffers, bool failed) override;
  void require_open() const;
  Diagnostics& idle_diagnostics(const char* purpose) const;
  void release(Napi::Env env);

  std::shared_ptr<Backend> backend_;
  const char* kind_ = "";
  BackendDescription description_;
  std::deque<std::unique_ptr<InferWorker>> waiting_;
  /** Null when the engine is idle. */
  InferWorker* running_ = nullptr;
  bool closing_ = false;
  bool failed_ = false;
  std::vector<Napi::Promise::Deferred> closers_;
  InferBuffers spare_;
};

/** `createEngine(graph, {backend, instructionSet, threads, keepTensors, device, program: {info, data}})`. */
Napi::Value create_engine(const Napi::CallbackInfo& info, const Napi::FunctionReference& constructor);

/** `backends()`: those of this build, each `{kind, present, detail, deviation: null | {reason, potentials}}`. */
Napi::Value list_backends(const Napi::CallbackInfo& info);

}  // namespace spikescope::binding
