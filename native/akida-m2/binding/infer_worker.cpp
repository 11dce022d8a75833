#include "infer_worker.h"

#include <algorithm>
#include <utility>

#include "errors.h"

namespace spikescope::binding {
namespace {

template <typename Array>
Array read_array_of(const Napi::Object& holder, const char* field, napi_typedarray_type type) {
  const Napi::Value value = holder.Get(field);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Fault("OUTPUT_SIZE", "expected potentials in an Int32Array, embeddings in a Uint8Array", "", field);
  }
  return value.As<Array>();
}

template <typename Array>
void expect_length(const Array& array, size_t length, const char* field) {
  if (array.ElementLength() == length) return;
  throw Fault("OUTPUT_SIZE", "expected " + std::to_string(length) + " elements, received " +
                                 std::to_string(array.ElementLength()), "", field);
}

template <typename Element, typename Array>
void copy_into(Array array, const std::vector<Element>& values, const char* field) {
  expect_length(array, values.size(), field);
  std::copy(values.begin(), values.end(), array.Data());
}

}  // namespace

Fault aborted() { return Fault("ABORTED", "the inference was aborted"); }

CallersArrays read_callers_arrays(const Napi::Object& holder) {
  return {holder, read_array_of<Napi::Int32Array>(holder, "potentials", napi_int32_array),
          read_array_of<Napi::Uint8Array>(holder, "embeddings", napi_uint8_array)};
}

InferWorker::InferWorker(Napi::Env env, InferOwner& owner, const Napi::Object& keep_alive,
                         std::shared_ptr<Backend> backend, InferBuffers buffers, const Call& call)
    : Napi::AsyncWorker(env, "spikescope.infer"),
      deferred_(Napi::Promise::Deferred::New(env)),
      owner_(owner),
      keep_alive_(Napi::Persistent(keep_alive)),
      backend_(std::move(backend)),
      buffers_(std::move(buffers)),
      count_(call.count),
      ticket_(call.ticket),
      callers_arrays_(!call.into.holder.IsEmpty()) {
  buffers_.input.assign(call.input.data, call.input.data + call.input.length);
  if (callers_arrays_) {
    use_buffers(call.into);
  } else {
    use_own_arrays();
  }
}

void InferWorker::use_buffers(const CallersArrays& into) {
  buffers_.potentials.resize(count_ * backend_->classes());
  buffers_.embeddings.resize(count_ * backend_->embedding_bytes());
  expect_length(into.potentials, buffers_.potentials.size(), "potentials");
  expect_length(into.embeddings, buffers_.embeddings.size(), "embeddings");
  potentials_ = buffers_.potentials.data();
  embeddings_ = buffers_.embeddings.data();
  callers_potentials_ = Napi::Persistent(into.potentials);
  callers_embeddings_ = Napi::Persistent(into.embeddings);
  result_ = Napi::Persistent(into.holder);
}

void InferWorker::use_own_arrays() {
  auto potentials = Napi::Int32Array::New(Env(), count_ * backend_->classes());
  auto embeddings = Napi::Uint8Array::New(Env(), count_ * backend_->embedding_bytes());
  potentials_ = potentials.Data();
  embeddings_ = embeddings.Data();
  auto result = Napi::Object::New(Env());
  result.Set("potentials", potentials);
  result.Set("embeddings", embeddings);
  result_ = Napi::Persistent(result);
}

void InferWorker::Execute() {
  try {
    backend_->infer({buffers_.input.data(), count_, potentials_, embeddings_}, abort_);
  } catch (const Fault& fault) {
    failure_.emplace(fault);
  } catch (const std::exception& error) {
    failure_.emplace("ENGINE_FAILED", error.what());
  }
}

/** The caller may have given its arrays away meanwhile, so what they are is asked anew. */
void InferWorker::fill_callers_arrays() {
  copy_into(callers_potentials_.Value(), buffers_.potentials, "potentials");
  copy_into(callers_embeddings_.Value(), buffers_.embeddings, "embeddings");
}

/** Settles the promise and lets the next call start. In an environment that is being torn down neither can be done. */
template <typename Settle>
void InferWorker::end(const Settle& settle) {
  backend_.reset();
  try {
    settle();
    owner_.call_ended(std::move(buffers_), failure_.has_value());
  } catch (const Napi::Error&) {
  }
}

void InferWorker::OnOK() {
  end([this] {
    try {
      if (failure_) throw Fault(*failure_);
      if (abort_.is_raised()) throw aborted();
      if (callers_arrays_) fill_callers_arrays();
      deferred_.Resolve(result_.Value());
    } catch (const Fault& fault) {
      deferred_.Reject(error_from(Env(), fault).Value());
    }
  });
}

void InferWorker::OnError(const Napi::Error& error) {
  end([&] { deferred_.Reject(error.Value()); });
}

void InferWorker::reject(const Fault& fault) { deferred_.Reject(error_from(Env(), fault).Value()); }

}  // namespace spikescope::binding
