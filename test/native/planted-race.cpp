/** An addon whose loading is a data race: two threads count without a lock. For scripts/stress-threads.mjs. */
#include <thread>

namespace {

/** Volatile, so that the loop stays one of a thousand accesses: a single pair at the same moment may go unnoticed. */
volatile int counter = 0;

void count() {
  for (int i = 0; i < 1000; i++) counter = counter + 1;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) {
  std::thread other(count);
  count();
  other.join();
  return exports;
}
