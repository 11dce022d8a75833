#include <napi.h>

#include "../engine/instruction_set.h"
#include "card.h"
#include "engine_object.h"
#include "imaging.h"
#include "measurements.h"

namespace spikescope::binding {

/** What `require` gives: everything of one JavaScript environment, so that worker threads can load the addon too. */
class Module : public Napi::Addon<Module> {
 public:
  Module(Napi::Env env, Napi::Object exports) {
    engine_ = Napi::Persistent(EngineObject::define(env));
    DefineAddon(exports, {InstanceMethod("createEngine", &Module::create),
                          InstanceMethod("backends", &Module::backends),
                          InstanceMethod("cardIdentification", &Module::identification),
                          InstanceMethod("instructionSets", &Module::sets),
                          InstanceMethod("areaResample", &Module::resample),
                          InstanceMethod("measureQuality", &Module::measure),
                          InstanceMethod("measurePeak", &Module::peak),
                          InstanceMethod("measureBandwidth", &Module::bandwidth)});
  }

 private:
  Napi::Value create(const Napi::CallbackInfo& info) { return create_engine(info, engine_); }

  Napi::Value backends(const Napi::CallbackInfo& info) { return list_backends(info); }

  Napi::Value identification(const Napi::CallbackInfo& info) { return card_identification(info); }

  Napi::Value sets(const Napi::CallbackInfo& info) {
    const std::vector<const InstructionSet*> available = available_instruction_sets();
    auto names = Napi::Array::New(info.Env(), available.size());
    for (uint32_t i = 0; i < available.size(); i++) names.Set(i, available[i]->name);
    return names;
  }

  Napi::Value resample(const Napi::CallbackInfo& info) { return area_resample(info); }
  Napi::Value measure(const Napi::CallbackInfo& info) { return measure_quality(info); }
  Napi::Value peak(const Napi::CallbackInfo& info) { return measure_peak(info); }
  Napi::Value bandwidth(const Napi::CallbackInfo& info) { return measure_bandwidth(info); }

  Napi::FunctionReference engine_;
};

NODE_API_NAMED_ADDON(spikescope, Module)

}  // namespace spikescope::binding
