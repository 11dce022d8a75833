#pragma once

#include <chrono>
#include <map>
#include <string>

#include "../../engine/fault.h"
#include "../device_io.h"
#include "infra/hardware_driver.h"
#include "output_slot.h"

namespace spikescope {

/** Where a kind of card has what the engine asks for. */
struct CardType {
  const char* name;
  /** What the identification register says. */
  uint32_t identification;
  uint32_t scratch_address;
  uint32_t scratch_bytes;
};

/** First of the registers. */
constexpr uint32_t kRegisters = kIdentificationRegister;

/** Of a card whose registers all read as ones. */
Fault dead_core();

/**
 * Reads which card this is. @throws Fault DEVICE_DEAD when every bit is one, DEVICE_VERSION for a card that is not known
 * here; as `DeviceIo::read` does
 */
const CardType& identify_card(DeviceIo& io);

/**
 * The vendor's engine's way to the card. It passes everything on and looks at what comes back before the engine does: the
 * engine follows word counts, queue numbers and job numbers of the card wherever they lead. Every access must come before
 * the deadline.
 */
class GuardedDriver final : public akida::HardwareDriver {
 public:
  using Clock = std::chrono::steady_clock;

  GuardedDriver(DeviceIo& io, const CardType& type) : io_(io), type_(type) {}

  /** @throws Fault as `DeviceIo` does, DEVICE_TIMEOUT, and what the guards find */
  void read(uint32_t address, void* data, size_t size) const override;
  void write(uint32_t address, const void* data, size_t size) override;

  const char* desc() const override { return type_.name; }
  uint32_t scratch_memory() const override { return type_.scratch_address; }
  uint32_t scratch_size() const override { return type_.scratch_bytes; }
  uint32_t top_level_reg() const override { return kRegisters; }
  // Nothing of this process can be seen by the card: the engine copies into its scratch memory.
  uint32_t akida_visible_memory() const override { return 0; }
  uint32_t akida_visible_memory_size() const override { return 0; }

  /** From now on an access later than this is refused. */
  void allow(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }

  /** The jobs that the card may have ended: `begin` of those asked for are fetched, `end` are asked for. */
  struct Jobs {
    uint16_t begin = 0;
    uint16_t end = 0;
  };
  /** Until `end_fetch`, what is read is the answer to a job, as large as `slot` at most. */
  void begin_fetch(const OutputSlot& slot, const Jobs& jobs);
  void end_fetch() { slot_ = nullptr; }

  /** Whether the identification register reads as ones, which no other does by itself. @throws Fault as `read` does */
  bool is_dead() const;

  /** Whether work lies in the card's queue that it has not begun: for saying why nothing comes. */
  bool is_queue_waiting() const;

 private:
  void check_register(uint32_t address, uint32_t value) const;
  void check_interrupt(uint32_t value) const;
  void check_job(uint32_t value) const;

  DeviceIo& io_;
  const CardType& type_;
  Clock::time_point deadline_ = Clock::time_point::max();
  /** Last value written to registers that must read back as they were written. */
  std::map<uint32_t, uint32_t> written_;
  /** Since when the configuration has been waited for; in one go, without another access between. */
  mutable Clock::time_point waiting_since_;
  mutable bool is_waiting_ = false;

  const OutputSlot* slot_ = nullptr;
  Jobs jobs_;
  /** Job number that the card had ended last before the first of ours. */
  mutable uint16_t first_job_ = 0;
  mutable bool has_header_ = false;
};

}  // namespace spikescope
