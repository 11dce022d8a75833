#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

namespace spikescope {

/**
 * The one thread that touches a card. Who hands it work waits for a bounded time; a thread that the kernel does not let go
 * is left behind, so that nothing else hangs with it.
 */
class OwnerThread {
 public:
  OwnerThread();
  /** Waits for no work: the last `run` has ended, or given up. */
  ~OwnerThread();
  OwnerThread(const OwnerThread&) = delete;
  OwnerThread& operator=(const OwnerThread&) = delete;

  /**
   * Runs `work` there; it must own all that it touches, because it may go on when nobody waits any more. One call at a time.
   * @throws what it throws; Fault DEVICE_TIMEOUT when `patience` runs out, and from then on at once
   */
  void run(std::function<void()> work, std::chrono::milliseconds patience);

 private:
  struct State;
  static void serve(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
  std::thread thread_;
  bool is_lost_ = false;
};

}  // namespace spikescope
