#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <vector>

#include "../device/backend.h"
#include "../engine/fault.h"
#include "values.h"

namespace spikescope::binding {

/** What a call needs beside its results; handed from call to call, so that none allocates. */
struct InferBuffers {
  std::vector<uint8_t> input;
  /** Used only where the results go to arrays of the caller's. */
  std::vector<int32_t> potentials;
  std::vector<uint8_t> embeddings;
};

/** Who runs the calls: told on the main thread when one is over. */
class InferOwner {
 public:
  /** `failed`: the backend is of no more use. */
  virtual void call_ended(InferBuffers buffers, bool failed) = 0;

 protected:
  ~InferOwner() = default;
};

/** Where results go that the caller has a place for. */
struct CallersArrays {
  /** The object that holds them, which the promise resolves with; empty: there are none. */
  Napi::Object holder;
  Napi::Int32Array potentials;
  Napi::Uint8Array embeddings;
};

/** What an aborted call is rejected with. */
Fault aborted();

/** Reads `{potentials, embeddings}`, which may run JavaScript. @throws Fault OUTPUT_SIZE */
CallersArrays read_callers_arrays(const Napi::Object& holder);

/**
 * One call of `infer`. The input is copied. Results are written straight into arrays of their own, which JavaScript
 * cannot reach before they are done; or into buffers, and on the main thread from there into arrays that the caller
 * gave, which it may have moved or shrunk meanwhile.
 */
class InferWorker final : public Napi::AsyncWorker {
 public:
  struct Call {
    Bytes input;
    size_t count = 0;
    CallersArrays into;
    /** By which the call can be aborted; 0: it cannot. */
    double ticket = 0;
  };

  /** `keep_alive`: the JavaScript object of `owner`. @throws Fault OUTPUT_SIZE where the caller's arrays do not fit */
  InferWorker(Napi::Env env, InferOwner& owner, const Napi::Object& keep_alive, std::shared_ptr<Backend> backend,
              InferBuffers buffers, const Call& call);

  Napi::Promise promise() const { return deferred_.Promise(); }
  double ticket() const { return ticket_; }

  /** While it runs: it stops before its next images, and its promise is rejected with ABORTED. */
  void abort() { abort_.raise(); }
  /** Before it runs: its promise is rejected. */
  void reject(const Fault& fault);

 protected:
  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  void use_buffers(const CallersArrays& into);
  void use_own_arrays();
  void fill_callers_arrays();
  template <typename Settle>
  void end(const Settle& settle);

  Napi::Promise::Deferred deferred_;
  InferOwner& owner_;
  Napi::ObjectReference keep_alive_;
  std::shared_ptr<Backend> backend_;
  InferBuffers buffers_;
  const size_t count_;
  const double ticket_;
  const bool callers_arrays_;
  AbortSignal abort_;
  /** Why the backend failed. */
  std::optional<Fault> failure_;
  int32_t* potentials_ = nullptr;
  uint8_t* embeddings_ = nullptr;
  Napi::ObjectReference result_;
  Napi::Reference<Napi::Int32Array> callers_potentials_;
  Napi::Reference<Napi::Uint8Array> callers_embeddings_;
};

}  // namespace spikescope::binding
