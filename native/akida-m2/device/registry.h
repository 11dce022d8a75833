#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../engine/graph.h"
#include "backend.h"

namespace spikescope {

/** What a card is programmed with, as the vendor's compiler writes it; empty: nothing. */
struct DeviceProgram {
  std::vector<uint8_t> info;
  std::vector<uint8_t> data;
};

/** What a caller may ask for; a backend that cannot heed an option refuses it unless it is left as it is here. */
struct BackendOptions {
  std::string instruction_set = "auto";
  /** Images of one batch are spread over this many threads. */
  size_t threads = 1;
  /** Every tensor can be read after a run, by `Diagnostics`. */
  bool keep_tensors = false;
  /** Path of the card; empty: the first that is found. */
  std::string device;
  DeviceProgram program;
};

/** By how much a backend's answers may differ from the interpreter's. */
struct Deviation {
  /** Why, in a sentence for people. */
  const char* reason;
  /** Largest difference of a potential. */
  int32_t potentials;
};

struct BackendPresence {
  bool present = false;
  /** What there is of it, or why it cannot be opened. */
  std::string detail;
};

/** Everything that the rest of the addon knows of a kind of backend. */
struct BackendRegistration {
  const char* kind;
  /** Looks, without opening anything, whether it can be opened on this machine. `device`: as in the options. */
  BackendPresence (*describe)(const std::string& device);
  /**
   * Loads a graph; bounded in time.
   * @throws Fault as `validate` does, and BACKEND_UNSUPPORTED, INSTRUCTION_SET, THREADS, DEVICE_*; std::bad_alloc
   */
  std::unique_ptr<Backend> (*open)(Graph graph, const BackendOptions& options);
  /** Null: exactly the interpreter's integers. */
  const Deviation* deviation;
};

// A backend is a file that defines its registration, and its two lines here.
extern const BackendRegistration kCpuBackend;
extern const BackendRegistration kAkidaBackend;
#ifdef SPIKESCOPE_TEST_BACKENDS
extern const BackendRegistration kEchoBackend;
#endif

inline constexpr const BackendRegistration* kBackends[] = {
    &kCpuBackend,
    &kAkidaBackend,
#ifdef SPIKESCOPE_TEST_BACKENDS
    &kEchoBackend,
#endif
};

/** @throws Fault BACKEND_UNKNOWN when this build has none of that kind, BACKEND_ABSENT when it cannot be opened here */
const BackendRegistration& find_backend(const std::string& kind, const std::string& device);

/**
 * For backends without the options of a processor, or of a card, or without any.
 * @throws Fault BACKEND_UNSUPPORTED naming the option that was given
 */
void refuse_processor_options(const BackendOptions& options, const std::string& kind);
void refuse_card_options(const BackendOptions& options, const std::string& kind);
void refuse_options(const BackendOptions& options, const std::string& kind);

}  // namespace spikescope
