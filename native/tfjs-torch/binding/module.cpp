#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <napi.h>

#include <new>

#include "../kernels/kernel.h"
#include "../memory/block_cache.h"
#include "tensor_table.h"
#include "values.h"

namespace spikescope::training {
namespace {

Registry all_kernels() {
  Registry registry;
  for (const auto add :
       {add_elementwise_kernels, add_comparison_kernels, add_activation_kernels, add_reduction_kernels, add_shape_kernels,
        add_gather_kernels, add_creation_kernels, add_convolution_kernels, add_depthwise_kernels, add_pool_kernels,
        add_matrix_kernels, add_batch_norm_kernels, add_fake_quantise_kernels, add_dropout_kernels, add_adamw_kernels}) {
    add(registry);
  }
  return registry;
}

bool takes(const Kernel& kernel, size_t inputs) {
  return kernel.inputs >= 0 ? inputs == static_cast<size_t>(kernel.inputs) : inputs >= static_cast<size_t>(~kernel.inputs);
}

Napi::Error error_from(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/** Runs `body`; what ATen throws becomes a JavaScript error with a code, without ATen's stack trace. */
template <typename Body>
auto guarded(Napi::Env env, const std::string& where, Body body) -> decltype(body()) {
  try {
    const c10::InferenceMode without_gradients;
    return body();
  } catch (const c10::Error& error) {
    throw error_from(env, "TORCH_KERNEL", where + ": " + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw error_from(env, "OUT_OF_MEMORY", where + ": not enough memory");
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw error_from(env, "TORCH_KERNEL", where + ": " + error.what());
  }
}

}  // namespace

/** What `require` gives: everything of one JavaScript environment, so that worker threads can load the addon too. */
class Module : public Napi::Addon<Module> {
 public:
  Module(Napi::Env, Napi::Object exports) : kernels_(all_kernels()) {
    // Above the default allocator's priority 0.
    c10::SetCPUAllocator(&BlockCache::instance(), 1);
    DefineAddon(exports, {InstanceMethod("kernels", &Module::kernels), InstanceMethod("run", &Module::run),
                          InstanceMethod("write", &Module::write), InstanceMethod("read", &Module::read),
                          InstanceMethod("release", &Module::release), InstanceMethod("count", &Module::count),
                          InstanceMethod("setThreads", &Module::set_threads), InstanceMethod("threads", &Module::threads)});
  }

 private:
  /** Names; a kernel's place in the list is what `run` takes. */
  Napi::Value kernels(const Napi::CallbackInfo& info) {
    auto names = Napi::Array::New(info.Env(), kernels_.size());
    for (uint32_t i = 0; i < kernels_.size(); i++) names.Set(i, kernels_[i].name);
    return names;
  }

  /** run(kernel, tensors, attributes) → [tensor, type, ...shape] of each result */
  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const uint32_t index = info[0].IsNumber() ? info[0].As<Napi::Number>().Uint32Value() : UINT32_MAX;
    if (index >= kernels_.size()) throw error_from(env, "TORCH_KERNEL", "there is no such kernel");
    const Kernel& kernel = kernels_[index];
    return guarded(env, kernel.name, [&]() -> Napi::Value {
      Tensors inputs;
      for (const uint32_t handle : read_handles(info[1])) inputs.push_back(table_.at(handle));
      TORCH_CHECK(takes(kernel, inputs.size()), "cannot take ", inputs.size(), " tensors");
      const std::vector<double> numbers = read_numbers(info[2], "attributes");
      Attributes attributes(numbers);
      const Tensors results = kernel.run(inputs, attributes);
      attributes.finish();
      auto described = Napi::Array::New(env, results.size());
      for (uint32_t i = 0; i < results.size(); i++) described.Set(i, describe(env, as_stored(results[i])));
      return described;
    });
  }

  Napi::Value describe(Napi::Env env, at::Tensor tensor) {
    auto description = Napi::Array::New(env, static_cast<size_t>(tensor.dim()) + 2);
    description.Set(1U, static_cast<double>(tensor.scalar_type()));
    uint32_t at = 2;
    for (const int64_t extent : tensor.sizes()) description.Set(at++, static_cast<double>(extent));
    description.Set(0U, table_.hold(std::move(tensor)));
    return description;
  }

  Napi::Value write(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), "write", [&]() -> Napi::Value {
      return Napi::Number::New(info.Env(), table_.hold(read_tensor(info[0], info[1])));
    });
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), "read", [&] { return write_tensor(info.Env(), table_.at(read_number(info[0], "a tensor"))); });
  }

  void release(const Napi::CallbackInfo& info) {
    guarded(info.Env(), "release", [&] { table_.release(read_number(info[0], "a tensor")); });
  }

  Napi::Value count(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(table_.count()));
  }

  void set_threads(const Napi::CallbackInfo& info) {
    guarded(info.Env(), "setThreads", [&] {
      const uint32_t threads = read_number(info[0], "the number of threads");
      TORCH_CHECK(threads >= 1 && threads <= 1024, "expected 1 to 1024 threads but received ", threads);
      at::set_num_threads(static_cast<int>(threads));
      // Matrix products go to whatever BLAS is installed; OpenBLAS keeps threads of its own.
      using SetThreads = void (*)(int);
      if (const auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
        set(static_cast<int>(threads));
      }
    });
  }

  Napi::Value threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), at::get_num_threads()); }

  const Registry kernels_;
  TensorTable table_;
};

NODE_API_NAMED_ADDON(tfjs_torch, Module)

}  // namespace spikescope::training
