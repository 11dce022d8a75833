#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace spikescope {

/**
 * Something that runs one graph: the processor (engine/cpu_backend.h) or, one day, the card. A backend is made
 * for one graph, holds all the memory it needs, and gives exactly the interpreter's integers.
 */
class Backend {
 public:
  virtual ~Backend() = default;

  virtual size_t input_bytes() const = 0;
  virtual size_t classes() const = 0;
  virtual size_t embedding_bytes() const = 0;

  /** Bytes of working memory reserved at load. */
  virtual size_t arena_bytes() const = 0;

  /** What it runs on, for example `scalar`, `avx2`, `avx512vnni`. */
  virtual std::string instruction_set() const = 0;

  /**
   * Runs `count` images laid out one after the other. One call at a time.
   * `potentials`: count × classes(); `embeddings`: count × embedding_bytes().
   */
  virtual void infer(const uint8_t* inputs, size_t count, int32_t* potentials, uint8_t* embeddings) = 0;
};

}  // namespace spikescope
