#include "system_hooks.h"

#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <thread>

#include "infra/system.h"

/* What the vendor's engine asks of the system that it runs on. */

void msleep(uint32_t duration) { std::this_thread::sleep_for(std::chrono::milliseconds(duration)); }

int64_t time_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/** No watchdog hears of the card: every wait for it has a deadline of its own. */
void kick_watchdog() {}

void panic(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  throw spikescope::EnginePanic(text);
}
