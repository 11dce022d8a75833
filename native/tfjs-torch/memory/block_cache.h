#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>

namespace spikescope::training {

/**
 * Memory for tensors that keeps released blocks for the next tensor of the same size. A training step asks for the same
 * sizes over and over; returning megabytes to the system after each use and faulting them in again page by page costs
 * as much as the arithmetic. Blocks in use and kept together stay below 5/4 of the most that was ever in use.
 */
class BlockCache final : public c10::Allocator {
 public:
  /** The one of the process, never destroyed because tensors may outlive everything else. */
  static BlockCache& instance();

  c10::DataPtr allocate(size_t bytes) const override;
  c10::DeleterFnPtr raw_deleter() const override;

 private:
  struct Block;
  using Blocks = std::list<Block*>;

  BlockCache() = default;
  void* take(size_t bytes);
  void give_back(Block* block);
  Block* kept(size_t capacity);
  void make_room();
  static void release(void* data);

  std::mutex mutex_;
  /** Kept blocks, the longest unused first. */
  Blocks unused_;
  std::multimap<size_t, Blocks::iterator> by_capacity_;
  size_t bytes_used_ = 0;
  size_t bytes_kept_ = 0;
  size_t most_used_ = 0;
};

}  // namespace spikescope::training
