#include "engine_object.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "errors.h"
#include "graph_reader.h"
#include "values.h"

namespace spikescope::binding {

namespace {

constexpr double kMaximumThreads = 256;
constexpr double kMaximumRounds = 10000;

using BackendHolder = std::unique_ptr<CpuBackend>;

/** How many images lie in `input`. @throws Fault INPUT_SIZE */
size_t count_images(const Bytes& input, size_t image_bytes) {
  if (input.length == 0 || input.length % image_bytes != 0) {
    throw Fault("INPUT_SIZE", "expected a multiple of " + std::to_string(image_bytes) + " bytes, received " +
                                  std::to_string(input.length));
  }
  return input.length / image_bytes;
}

std::string read_instruction_set(const Napi::Value& value) {
  if (value.IsUndefined()) return "auto";
  if (!value.IsString()) throw Fault("INSTRUCTION_SET", "expected a name", "", "instructionSet");
  return value.As<Napi::String>();
}

size_t read_rounds(const Napi::Value& value) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= kMaximumRounds) || std::floor(number) != number) {
    throw Fault("ARGUMENT", "rounds must be an integer in 1…10000", "", "rounds");
  }
  return static_cast<size_t>(number);
}

size_t read_threads(const Napi::Value& value) {
  if (value.IsUndefined()) return 1;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= kMaximumThreads) || std::floor(number) != number) {
    throw Fault("THREADS", "threads must be an integer in 1…256", "", "threads");
  }
  return static_cast<size_t>(number);
}

CpuOptions read_options(const Napi::Value& value) {
  CpuOptions options;
  std::string set = "auto";
  if (value.IsObject()) {
    const auto object = value.As<Napi::Object>();
    set = read_instruction_set(object.Get("instructionSet"));
    options.threads = read_threads(object.Get("threads"));
    options.keep_tensors = object.Get("keepTensors").ToBoolean();
  }
  options.instruction_set = choose_instruction_set(set);
  if (options.keep_tensors && options.threads != 1) {
    throw Fault("THREADS", "tensors can be kept on one thread only", "", "keepTensors");
  }
  return options;
}

}  // namespace

Napi::Value create_engine(const Napi::CallbackInfo& info, const Napi::FunctionReference& constructor) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const CpuOptions options = read_options(info[1]);
    BackendHolder backend = std::make_unique<CpuBackend>(read_graph(info[0]), options);
    return constructor.New({Napi::External<BackendHolder>::New(env, &backend)});
  });
}

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {InstanceMethod("infer", &EngineObject::infer), InstanceMethod("trace", &EngineObject::trace),
                      InstanceMethod("profile", &EngineObject::profile),
                      InstanceMethod("cancel", &EngineObject::cancel), InstanceMethod("close", &EngineObject::close),
                      InstanceAccessor<&EngineObject::instruction_set>("instructionSet"),
                      InstanceAccessor<&EngineObject::arena_bytes>("arenaBytes")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
  if (!info[0].IsExternal()) throw error_from(info.Env(), Fault("ARGUMENT", "use createEngine"));
  backend_ = std::move(*info[0].As<Napi::External<BackendHolder>>().Data());
  if (!backend_) throw error_from(info.Env(), Fault("ARGUMENT", "use createEngine"));
  instruction_set_ = backend_->instruction_set();
  arena_bytes_ = backend_->arena_bytes();
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<int64_t>(arena_bytes_));
}

EngineObject::~EngineObject() = default;

Napi::Value EngineObject::infer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    InferWorker::Call call;
    // Reading a property may run JavaScript, so what it could change is looked at afterwards.
    if (info[1].IsObject()) call.into = read_callers_arrays(info[1].As<Napi::Object>());
    if (closing_) throw Fault("ENGINE_CLOSED", "the engine is closed");
    if (info[2].IsNumber()) call.ticket = info[2].As<Napi::Number>().DoubleValue();
    call.input = read_bytes(info[0], "INPUT_SIZE", "inputs");
    call.count = count_images(call.input, backend_->input_bytes());
    auto worker = std::make_unique<InferWorker>(env, *this, Value(), backend_, std::move(spare_), call);
    const Napi::Promise promise = worker->promise();
    waiting_.push_back(std::move(worker));
    if (running_ == nullptr) start_next();
    return promise;
  });
}

void EngineObject::start_next() {
  running_ = waiting_.front().release();  // deletes itself when done
  waiting_.pop_front();
  running_->Queue();
}

void EngineObject::call_ended(InferBuffers buffers) {
  running_ = nullptr;
  spare_ = std::move(buffers);
  if (!waiting_.empty()) {
    start_next();
  } else if (closing_) {
    release(Env());
  }
}

/** `cancel(ticket)`: calls off the call of `infer` that was given this ticket; none: nothing happens. */
void EngineObject::cancel(const Napi::CallbackInfo& info) {
  const double ticket = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (ticket == 0) return;
  if (running_ != nullptr && running_->ticket() == ticket) running_->call_off();
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [ticket](const auto& worker) { return worker->ticket() == ticket; });
  if (found == waiting_.end()) return;
  const std::unique_ptr<InferWorker> worker = std::move(*found);
  waiting_.erase(found);
  worker->reject_called_off();
}

Napi::Value EngineObject::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  closing_ = true;
  closers_.push_back(Napi::Promise::Deferred::New(env));
  const Napi::Promise promise = closers_.back().Promise();
  if (running_ == nullptr) release(env);
  return promise;
}

void EngineObject::release(Napi::Env env) {
  if (backend_) Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(arena_bytes_));
  backend_.reset();
  spare_ = {};
  const std::vector<Napi::Promise::Deferred> closers = std::move(closers_);
  closers_.clear();
  for (const Napi::Promise::Deferred& closer : closers) closer.Resolve(env.Undefined());
}

/** `trace(input)`: runs one image at once and gives every tensor by name; needs `keepTensors`. */
Napi::Value EngineObject::trace(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (closing_) throw Fault("ENGINE_CLOSED", "the engine is closed");
    if (running_ != nullptr || !backend_->keeps_tensors()) {
      throw Fault("ARGUMENT", "a trace needs an idle engine made with keepTensors");
    }
    const Bytes input = read_bytes(info[0], "INPUT_SIZE", "input");
    if (count_images(input, backend_->input_bytes()) != 1) throw Fault("INPUT_SIZE", "a trace takes one image");
    auto potentials = Napi::Int32Array::New(env, backend_->classes());
    auto embedding = Napi::Uint8Array::New(env, backend_->embedding_bytes());
    backend_->infer(input.data, 1, potentials.Data(), embedding.Data());
    auto tensors = Napi::Object::New(env);
    for (const TracedTensor& tensor : backend_->tensors()) {
      auto values = Napi::Uint8Array::New(env, tensor.pixels * tensor.channels);
      backend_->copy_tensor(tensor, values.Data());
      tensors.Set(tensor.name, values);
    }
    auto result = Napi::Object::New(env);
    result.Set("potentials", potentials);
    result.Set("embedding", embedding);
    result.Set("tensors", tensors);
    return result;
  });
}

/** `profile(input, rounds)`: runs one image at once, several times, and gives what each step took. */
Napi::Value EngineObject::profile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    if (closing_) throw Fault("ENGINE_CLOSED", "the engine is closed");
    if (running_ != nullptr) throw Fault("ARGUMENT", "a profile needs an idle engine");
    const Bytes input = read_bytes(info[0], "INPUT_SIZE", "input");
    if (count_images(input, backend_->input_bytes()) != 1) throw Fault("INPUT_SIZE", "a profile takes one image");
    const std::vector<StepTime> steps = backend_->profile(input.data, read_rounds(info[1]));
    auto result = Napi::Array::New(env, steps.size());
    for (uint32_t i = 0; i < steps.size(); i++) {
      auto nodes = Napi::Array::New(env, steps[i].nodes.size());
      for (uint32_t k = 0; k < steps[i].nodes.size(); k++) nodes.Set(k, steps[i].nodes[k]);
      auto step = Napi::Object::New(env);
      step.Set("nodes", nodes);
      step.Set("nanoseconds", steps[i].nanoseconds);
      result.Set(i, step);
    }
    return result;
  });
}

Napi::Value EngineObject::instruction_set(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), instruction_set_);
}

Napi::Value EngineObject::arena_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(arena_bytes_));
}

}  // namespace spikescope::binding
