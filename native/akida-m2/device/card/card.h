#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../device_io.h"
#include "akida/hardware_device.h"
#include "guarded_driver.h"
#include "program.h"

namespace spikescope {

/** Images that the card takes before the first must be fetched. */
constexpr size_t kQueueLength = 15;

/**
 * A card with a program on it, by the vendor's engine. For one thread; every call is bounded. After a fault it is of no
 * more use, and is left as it is.
 */
class Card {
 public:
  /** @throws Fault DEVICE_* */
  Card(const std::string& path, CheckedProgram program);
  /** Takes the program off a card that is well. */
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  const char* name() const { return driver_->desc(); }

  /**
   * @param images up to kQueueLength of them, one after the other
   * @return their embeddings, one after the other
   * @throws Fault DEVICE_*
   */
  std::vector<uint8_t> run(const std::vector<uint8_t>& images);

 private:
  template <typename Work>
  void attempt(std::chrono::milliseconds time, const Work& work);
  void enqueue(const uint8_t* image);
  void fetch(uint8_t* embedding);
  [[noreturn]] void give_up();

  const CheckedProgram program_;
  const std::unique_ptr<DeviceIo> io_;
  std::unique_ptr<GuardedDriver> driver_;
  akida::HardwareDevicePtr device_;
  /** Since the program was put on the card; they go on from 0 after 65,535, as the card's numbers do. */
  GuardedDriver::Jobs jobs_;
  bool is_well_ = false;
};

}  // namespace spikescope
