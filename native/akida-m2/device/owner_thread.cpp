#include "owner_thread.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "../engine/fault.h"

namespace spikescope {

struct OwnerThread::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> work;
  std::exception_ptr failure;
  bool is_done = false;
  bool is_closing = false;
};

OwnerThread::OwnerThread() : state_(std::make_shared<State>()), thread_([state = state_] { serve(state); }) {}

OwnerThread::~OwnerThread() {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->is_closing = true;
  }
  state_->changed.notify_all();
  if (is_lost_) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void OwnerThread::serve(const std::shared_ptr<State>& state) {
  std::unique_lock<std::mutex> lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->is_closing || state->work != nullptr; });
    if (state->work == nullptr) return;
    std::function<void()> work = std::exchange(state->work, nullptr);
    lock.unlock();
    std::exception_ptr failure;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    work = nullptr;  // what it owns goes on this thread
    lock.lock();
    state->failure = failure;
    state->is_done = true;
    state->changed.notify_all();
  }
}

void OwnerThread::run(std::function<void()> work, std::chrono::milliseconds patience) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (!is_lost_) {
    state_->work = std::move(work);
    state_->is_done = false;
    state_->changed.notify_all();
    is_lost_ = !state_->changed.wait_for(lock, patience, [this] { return state_->is_done; });
  }
  if (is_lost_) throw Fault("DEVICE_TIMEOUT", "the card's driver does not come back");
  if (state_->failure != nullptr) std::rethrow_exception(std::exchange(state_->failure, nullptr));
}

}  // namespace spikescope
