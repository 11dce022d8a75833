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

constexpr const char* kUsualBackend = "cpu";

struct OpenBackend {
  const char* kind;
  std::unique_ptr<Backend> backend;
};

Fault failed_earlier() {
  return Fault("ENGINE_FAILED", "the engine failed in an earlier call; it has to be opened anew");
}

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

std::vector<uint8_t> read_program_part(const Napi::Object& program, const char* part) {
  const Bytes bytes = read_bytes(program.Get(part), "DEVICE_PROGRAM", std::string("program.") + part);
  return std::vector<uint8_t>(bytes.data, bytes.data + bytes.length);
}

DeviceProgram read_program(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  if (!value.IsObject()) throw Fault("DEVICE_PROGRAM", "expected an object with info and data", "", "program");
  const auto program = value.As<Napi::Object>();
  return {read_program_part(program, "info"), read_program_part(program, "data")};
}

std::string read_device(const Napi::Value& value) {
  if (value.IsUndefined()) return "";
  if (!value.IsString()) throw Fault("ARGUMENT", "expected a path", "", "device");
  return value.As<Napi::String>();
}

BackendOptions read_options(const Napi::Value& value) {
  BackendOptions options;
  if (!value.IsObject()) return options;
  const auto object = value.As<Napi::Object>();
  options.instruction_set = read_instruction_set(object.Get("instructionSet"));
  options.threads = read_threads(object.Get("threads"));
  options.keep_tensors = object.Get("keepTensors").ToBoolean();
  options.device = read_device(object.Get("device"));
  options.program = read_program(object.Get("program"));
  return options;
}

std::string read_kind(const Napi::Value& options) {
  const Napi::Value kind = options.IsObject() ? options.As<Napi::Object>().Get("backend") : options.Env().Undefined();
  if (kind.IsUndefined()) return kUsualBackend;
  if (!kind.IsString()) throw Fault("BACKEND_UNKNOWN", "expected a name", "", "backend");
  return kind.As<Napi::String>();
}

Napi::Value deviation_of(Napi::Env env, const Deviation* deviation) {
  if (deviation == nullptr) return env.Null();
  auto result = Napi::Object::New(env);
  result.Set("reason", deviation->reason);
  result.Set("potentials", deviation->potentials);
  return result;
}

}  // namespace

Napi::Value create_engine(const Napi::CallbackInfo& info, const Napi::FunctionReference& constructor) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const BackendOptions options = read_options(info[1]);
    const BackendRegistration& registration = find_backend(read_kind(info[1]), options.device);
    OpenBackend open{registration.kind, registration.open(read_graph(info[0]), options)};
    return constructor.New({Napi::External<OpenBackend>::New(env, &open)});
  });
}

Napi::Value list_backends(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    auto result = Napi::Array::New(env);
    for (const BackendRegistration* registration : kBackends) {
      const BackendPresence presence = registration->describe("");
      auto backend = Napi::Object::New(env);
      backend.Set("kind", registration->kind);
      backend.Set("present", Napi::Boolean::New(env, presence.present));
      backend.Set("detail", presence.detail);
      backend.Set("deviation", deviation_of(env, registration->deviation));
      result.Set(result.Length(), backend);
    }
    return result;
  });
}

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {InstanceMethod("infer", &EngineObject::infer), InstanceMethod("trace", &EngineObject::trace),
                      InstanceMethod("profile", &EngineObject::profile),
                      InstanceMethod("cancel", &EngineObject::cancel), InstanceMethod("close", &EngineObject::close),
                      InstanceAccessor<&EngineObject::backend>("backend"),
                      InstanceAccessor<&EngineObject::instruction_set>("instructionSet"),
                      InstanceAccessor<&EngineObject::arena_bytes>("arenaBytes")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
  if (!info[0].IsExternal()) throw error_from(info.Env(), Fault("ARGUMENT", "use createEngine"));
  OpenBackend& open = *info[0].As<Napi::External<OpenBackend>>().Data();
  if (!open.backend) throw error_from(info.Env(), Fault("ARGUMENT", "use createEngine"));
  kind_ = open.kind;
  backend_ = std::move(open.backend);
  description_ = backend_->description();
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<int64_t>(description_.arena_bytes));
}

EngineObject::~EngineObject() = default;

Napi::Value EngineObject::infer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    InferWorker::Call call;
    // Reading a property may run JavaScript, so what it could change is looked at afterwards.
    if (info[1].IsObject()) call.into = read_callers_arrays(info[1].As<Napi::Object>());
    require_open();
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

void EngineObject::call_ended(InferBuffers buffers, bool failed) {
  running_ = nullptr;
  spare_ = std::move(buffers);
  failed_ |= failed;
  if (failed_) {
    const std::deque<std::unique_ptr<InferWorker>> waiting = std::move(waiting_);
    waiting_.clear();
    for (const auto& worker : waiting) worker->reject(failed_earlier());
  }
  if (!waiting_.empty()) {
    start_next();
  } else if (closing_) {
    release(Env());
  }
}

/** @throws Fault ENGINE_CLOSED, ENGINE_FAILED */
void EngineObject::require_open() const {
  if (closing_) throw Fault("ENGINE_CLOSED", "the engine is closed");
  if (failed_) throw failed_earlier();
}

/** @throws Fault ENGINE_CLOSED, ENGINE_FAILED, ARGUMENT while a call runs, BACKEND_UNSUPPORTED */
Diagnostics& EngineObject::idle_diagnostics(const char* purpose) const {
  require_open();
  if (running_ != nullptr) throw Fault("ARGUMENT", std::string(purpose) + " needs an idle engine");
  Diagnostics* const diagnostics = backend_->diagnostics();
  if (diagnostics != nullptr) return *diagnostics;
  throw Fault("BACKEND_UNSUPPORTED", std::string("the backend '") + kind_ + "' cannot give " + purpose);
}

/** `cancel(ticket)`: aborts the call of `infer` that was given this ticket; none: nothing happens. */
void EngineObject::cancel(const Napi::CallbackInfo& info) {
  const double ticket = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (ticket == 0) return;
  if (running_ != nullptr && running_->ticket() == ticket) running_->abort();
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [ticket](const auto& worker) { return worker->ticket() == ticket; });
  if (found == waiting_.end()) return;
  const std::unique_ptr<InferWorker> worker = std::move(*found);
  waiting_.erase(found);
  worker->reject(aborted());
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
  if (backend_) Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(description_.arena_bytes));
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
    Diagnostics& diagnostics = idle_diagnostics("a trace");
    if (!diagnostics.keeps_tensors()) throw Fault("ARGUMENT", "a trace needs an engine made with keepTensors");
    const Bytes input = read_bytes(info[0], "INPUT_SIZE", "input");
    if (count_images(input, backend_->input_bytes()) != 1) throw Fault("INPUT_SIZE", "a trace takes one image");
    auto potentials = Napi::Int32Array::New(env, backend_->classes());
    auto embedding = Napi::Uint8Array::New(env, backend_->embedding_bytes());
    backend_->infer({input.data, 1, potentials.Data(), embedding.Data()}, AbortSignal());
    auto tensors = Napi::Object::New(env);
    const std::vector<TensorSize> sizes = diagnostics.tensors();
    for (size_t i = 0; i < sizes.size(); i++) {
      auto values = Napi::Uint8Array::New(env, sizes[i].bytes);
      diagnostics.copy_tensor(i, values.Data());
      tensors.Set(sizes[i].name, values);
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
    Diagnostics& diagnostics = idle_diagnostics("a profile");
    const Bytes input = read_bytes(info[0], "INPUT_SIZE", "input");
    if (count_images(input, backend_->input_bytes()) != 1) throw Fault("INPUT_SIZE", "a profile takes one image");
    const std::vector<StepTime> steps = diagnostics.profile(input.data, read_rounds(info[1]));
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

Napi::Value EngineObject::backend(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kind_); }

Napi::Value EngineObject::instruction_set(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), description_.runs_on);
}

Napi::Value EngineObject::arena_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(description_.arena_bytes));
}

}  // namespace spikescope::binding
