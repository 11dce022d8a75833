#include "block_cache.h"

#include <c10/util/Exception.h>
#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace spikescope::training {

/** Stands before the data, which begins at the next multiple of 64 bytes. */
struct BlockCache::Block {
  size_t capacity;
};

namespace {

/** What vector instructions and cache lines like; also room for a block's header. */
constexpr size_t kAlignment = 64;
/** Smaller blocks go straight to malloc, which keeps those itself. */
constexpr size_t kSmallestKept = 65536;
/** Capacities of kept blocks are multiples of this, so that nearly equal sizes share blocks. */
constexpr size_t kGranularity = 4096;
/** From this size on a block is worth pages of this size, where the system has them. */
constexpr size_t kHugePage = 2097152;

constexpr size_t round_up(size_t size, size_t multiple) { return (size + multiple - 1) / multiple * multiple; }

void* reserve(size_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : kAlignment;
  const size_t size = round_up(bytes, alignment);
  void* const memory = std::aligned_alloc(alignment, size);
#ifdef MADV_HUGEPAGE
  // Advice: that it is not taken is no fault.
  if (huge && memory != nullptr) madvise(memory, size, MADV_HUGEPAGE);
#endif
  return memory;
}

}  // namespace

BlockCache& BlockCache::instance() {
  static BlockCache* const cache = new BlockCache;
  return *cache;
}

c10::DataPtr BlockCache::allocate(size_t bytes) const {
  void* const data = instance().take(bytes);
  return {data, data, &BlockCache::release, c10::Device(c10::DeviceType::CPU)};
}

c10::DeleterFnPtr BlockCache::raw_deleter() const { return &BlockCache::release; }

void* BlockCache::take(size_t bytes) {
  TORCH_CHECK(bytes <= SIZE_MAX / 2, "a tensor of ", bytes, " bytes");
  const size_t capacity = round_up(bytes, bytes < kSmallestKept ? kAlignment : kGranularity);
  Block* block = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    block = kept(capacity);
    bytes_used_ += capacity;
    if (bytes_used_ > most_used_) most_used_ = bytes_used_;
    if (block == nullptr) make_room();
  }
  if (block == nullptr) {
    void* const memory = reserve(kAlignment + capacity);
    if (memory == nullptr) {
      const std::lock_guard<std::mutex> lock(mutex_);
      bytes_used_ -= capacity;
      throw std::bad_alloc();
    }
    block = new (memory) Block{capacity};
  }
  return reinterpret_cast<std::byte*>(block) + kAlignment;
}

BlockCache::Block* BlockCache::kept(size_t capacity) {
  const auto found = by_capacity_.find(capacity);
  if (found == by_capacity_.end()) return nullptr;
  Block* const block = *found->second;
  unused_.erase(found->second);
  by_capacity_.erase(found);
  bytes_kept_ -= capacity;
  return block;
}

void BlockCache::make_room() {
  while (!unused_.empty() && bytes_used_ + bytes_kept_ > most_used_ / 4 * 5) {
    Block* const oldest = unused_.front();
    auto [first, last] = by_capacity_.equal_range(oldest->capacity);
    while (first != last && *first->second != oldest) ++first;
    by_capacity_.erase(first);
    unused_.pop_front();
    bytes_kept_ -= oldest->capacity;
    std::free(oldest);
  }
}

void BlockCache::give_back(Block* block) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    bytes_used_ -= block->capacity;
    if (block->capacity >= kSmallestKept) {
      bytes_kept_ += block->capacity;
      unused_.push_back(block);
      by_capacity_.emplace(block->capacity, std::prev(unused_.end()));
      return;
    }
  }
  std::free(block);
}

void BlockCache::release(void* data) {
  if (data == nullptr) return;
  instance().give_back(reinterpret_cast<Block*>(static_cast<std::byte*>(data) - kAlignment));
}

}  // namespace spikescope::training
