#pragma once

#include <napi.h>

#include <deque>
#include <memory>
#include <vector>

#include "../engine/cpu_backend.h"
#include "infer_worker.h"

namespace spikescope::binding {

/**
 * The JavaScript object of one engine: `infer(inputs)`, `trace(input)`, `profile(input, rounds)`, `close()`, `instructionSet`, `arenaBytes`.
 * Calls run one after the other on a thread of the pool of libuv; the rest wait here, not in that pool.
 */
class EngineObject : public Napi::ObjectWrap<EngineObject>, public InferOwner {
 public:
  static Napi::Function define(Napi::Env env);

  /** Takes one External<std::unique_ptr<CpuBackend>>, which it empties. */
  explicit EngineObject(const Napi::CallbackInfo& info);
  ~EngineObject() override;

 private:
  Napi::Value infer(const Napi::CallbackInfo& info);
  Napi::Value trace(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value instruction_set(const Napi::CallbackInfo& info);
  Napi::Value arena_bytes(const Napi::CallbackInfo& info);

  void cancel(const Napi::CallbackInfo& info);

  void start_next();
  void call_ended(InferBuffers buffers) override;
  void release(Napi::Env env);

  std::shared_ptr<CpuBackend> backend_;
  std::string instruction_set_;
  size_t arena_bytes_ = 0;
  std::deque<std::unique_ptr<InferWorker>> waiting_;
  /** Null when the engine is idle. */
  InferWorker* running_ = nullptr;
  bool closing_ = false;
  std::vector<Napi::Promise::Deferred> closers_;
  InferBuffers spare_;
};

/** `createEngine(graph, {instructionSet, threads, keepTensors})`. */
Napi::Value create_engine(const Napi::CallbackInfo& info, const Napi::FunctionReference& constructor);

}  // namespace spikescope::binding
