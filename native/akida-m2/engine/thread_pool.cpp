#include "thread_pool.h"

namespace spikescope {

ThreadPool::ThreadPool(size_t threads) {
  for (size_t worker = 1; worker < threads; worker++) {
    threads_.emplace_back([this, worker] { wait_for_work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  work_there_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run(PieceWork& work, size_t count) {
  if (threads_.empty() || count == 1) {
    for (size_t piece = 0; piece < count; piece++) work.do_piece(piece, 0);
    return;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = count;
  unfinished_ = count;
  work_there_.notify_all();
  take_pieces(lock, 0);
  work_done_.wait(lock, [this] { return unfinished_ == 0; });
}

void ThreadPool::wait_for_work(size_t worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    work_there_.wait(lock, [this] { return closing_ || next_ < count_; });
    if (closing_) return;
    take_pieces(lock, worker);
  }
}

void ThreadPool::take_pieces(std::unique_lock<std::mutex>& lock, size_t worker) {
  while (next_ < count_) {
    const size_t piece = next_++;
    lock.unlock();
    work_->do_piece(piece, worker);
    lock.lock();
    if (--unfinished_ == 0) work_done_.notify_one();
  }
}

}  // namespace spikescope
