#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace spikescope {

/** A task that can be done piece by piece, pieces in any order. */
class PieceWork {
 public:
  virtual ~PieceWork() = default;
  /** `worker` in 0…threads − 1, never the same for two pieces at the same time. */
  virtual void do_piece(size_t piece, size_t worker) = 0;
};

/** `threads` − 1 sleeping threads; the caller of `run` is the last one. Nothing is allocated after construction. */
class ThreadPool {
 public:
  explicit ThreadPool(size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /** Does pieces 0…count − 1 and returns when all are done. One caller at a time. `do_piece` must not throw. */
  void run(PieceWork& work, size_t count);

 private:
  void wait_for_work(size_t worker);
  void take_pieces(std::unique_lock<std::mutex>& lock, size_t worker);

  std::mutex mutex_;
  std::condition_variable work_there_;
  std::condition_variable work_done_;
  PieceWork* work_ = nullptr;
  size_t next_ = 0;
  size_t count_ = 0;
  size_t unfinished_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace spikescope
