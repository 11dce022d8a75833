#include "engine_object.h"

#include <cmath>
#include <utility>

#include "errors.h"
#include "graph_reader.h"
#include "values.h"

namespace spikescope::binding {

/** One call of `infer`: input copied, results written straight into the arrays that JavaScript will see. */
class InferWorker final : public Napi::AsyncWorker {
 public:
  InferWorker(Napi::Env env, EngineObject* engine, const Bytes& input, size_t count)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        engine_(engine),
        backend_(engine->backend_),
        input_(std::move(engine->spare_)),
        count_(count) {
    input_.assign(input.data, input.data + input.length);
    auto potentials = Napi::Int32Array::New(env, count * backend_->classes());
    auto embeddings = Napi::Uint8Array::New(env, count * backend_->embedding_bytes());
    potentials_ = potentials.Data();
    embeddings_ = embeddings.Data();
    auto result = Napi::Object::New(env);
    result.Set("potentials", potentials);
    result.Set("embeddings", embeddings);
    result_ = Napi::Persistent(result);
    keep_alive_ = Napi::Persistent(engine->Value());
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { backend_->infer(input_.data(), count_, potentials_, embeddings_); }

  void OnOK() override {
    settle([this] { deferred_.Resolve(result_.Value()); });
  }

  void OnError(const Napi::Error& error) override {
    settle([&] { deferred_.Reject(error.Value()); });
  }

 private:
  /** Settles the promise and lets the next call start. In an environment that is being torn down neither can be done. */
  template <typename Settle>
  void settle(Settle settle_promise) {
    backend_.reset();
    try {
      settle_promise();
      engine_->spare_ = std::move(input_);
      engine_->worker_done();
    } catch (const Napi::Error&) {
    }
  }

  Napi::Promise::Deferred deferred_;
  EngineObject* engine_;
  std::shared_ptr<CpuBackend> backend_;
  std::vector<uint8_t> input_;
  size_t count_;
  int32_t* potentials_ = nullptr;
  uint8_t* embeddings_ = nullptr;
  Napi::ObjectReference result_;
  Napi::ObjectReference keep_alive_;
};

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
                      InstanceMethod("close", &EngineObject::close),
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
    if (closing_) throw Fault("ENGINE_CLOSED", "the engine is closed");
    const Bytes input = read_bytes(info[0], "INPUT_SIZE", "inputs");
    const size_t count = count_images(input, backend_->input_bytes());
    auto worker = std::make_unique<InferWorker>(env, this, input, count);
    const Napi::Promise promise = worker->promise();
    waiting_.push_back(std::move(worker));
    if (!busy_) start_next();
    return promise;
  });
}

void EngineObject::start_next() {
  busy_ = true;
  InferWorker* const worker = waiting_.front().release();  // deletes itself when done
  waiting_.pop_front();
  worker->Queue();
}

void EngineObject::worker_done() {
  busy_ = false;
  if (!waiting_.empty()) {
    start_next();
  } else if (closing_) {
    release(Env());
  }
}

Napi::Value EngineObject::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  closing_ = true;
  closers_.push_back(Napi::Promise::Deferred::New(env));
  const Napi::Promise promise = closers_.back().Promise();
  if (!busy_) release(env);
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
    if (busy_ || !backend_->keeps_tensors()) {
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
    if (busy_) throw Fault("ARGUMENT", "a profile needs an idle engine");
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
