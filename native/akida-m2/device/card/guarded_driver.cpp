#include "guarded_driver.h"

#include <cstdio>
#include <cstring>

#include "engine/registers_dma_engine.h"

namespace spikescope {
namespace {

using akida::get_field;

/** Scratch addresses as the vendor's memory mappings have them (api/akd1000, api/akd1500 of the engine). */
constexpr CardType kCards[] = {
    {"AKD1000", 0xBC000002, 0x24000000, 192u << 20},
    // The first 256 bytes of its memory hold descriptors of the PCIe controller; its driver refuses them.
    {"AKD1500", 0xBCA10309, 0x20000100, (1u << 20) - 256},
};

constexpr uint32_t kRegisterBytes = 0x80000;
constexpr uint32_t kConfiguration = kRegisters + akida::DMA_CONFIG_REG_BASE;
constexpr uint32_t kImages = kRegisters + akida::DMA_HRC_REG_BASE;
constexpr uint32_t kAllOnes = 0xFFFFFFFF;
/** A configuration track is read by the card's own DMA within microseconds; the engine itself would wait for 5 s. */
constexpr std::chrono::seconds kInterruptPatience{2};

std::string hexadecimal(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

}  // namespace

Fault dead_core() {
  return Fault("DEVICE_DEAD", "the card's core is dead: its registers read as ones; switch the power off and on");
}

namespace {

/** Containers of descriptors: the engine computes from these where it writes next. */
bool must_read_back(uint32_t address) {
  return address == kConfiguration + akida::DMA_CONT_SIZE_REG || address == kImages + akida::DMA_CONT_SIZE_REG;
}

}  // namespace

const CardType& identify_card(DeviceIo& io) {
  const uint32_t identification = read_identification(io);
  if (identification == kAllOnes) throw dead_core();
  for (const CardType& type : kCards) {
    if (type.identification == identification) return type;
  }
  std::string known;
  for (const CardType& type : kCards) {
    known += (known.empty() ? "" : " and ") + std::string(type.name) + ", " + hexadecimal(type.identification);
  }
  throw Fault("DEVICE_VERSION", "the card identifies itself as " + hexadecimal(identification) + "; this backend knows " + known);
}

void GuardedDriver::read(uint32_t address, void* data, size_t size) const {
  if (Clock::now() > deadline_) throw Fault("DEVICE_TIMEOUT", "the card takes too long");
  io_.read(address, data, size);
  const bool is_register = address - kRegisters < kRegisterBytes;
  if (size == sizeof(uint32_t) && (is_register || (slot_ != nullptr && !has_header_))) {
    uint32_t value;
    std::memcpy(&value, data, sizeof value);
    if (is_register) {
      check_register(address, value);
    } else {
      words_behind(value, *slot_);
      has_header_ = true;
    }
  }
  if (address != kConfiguration + akida::DMA_BUF_MON_STATUS_REG) is_waiting_ = false;
}

void GuardedDriver::write(uint32_t address, const void* data, size_t size) {
  if (Clock::now() > deadline_) throw Fault("DEVICE_TIMEOUT", "the card takes too long");
  is_waiting_ = false;
  if (size == sizeof(uint32_t) && must_read_back(address)) std::memcpy(&written_[address], data, size);
  io_.write(address, data, size);
}

void GuardedDriver::check_register(uint32_t address, uint32_t value) const {
  if (value == kAllOnes && is_dead()) throw dead_core();
  if (address == kConfiguration + akida::DMA_BUF_MON_STATUS_REG) check_interrupt(value);
  if (address == kImages + akida::DMA_DESC_STATUS_REG) check_job(value);
  const auto written = written_.find(address);
  if (written != written_.end() && written->second != value) {
    throw Fault("DEVICE_REGISTER", "the register " + hexadecimal(address) + " of the card reads " + hexadecimal(value) +
                                       " after " + hexadecimal(written->second) + " was written");
  }
}

bool GuardedDriver::is_dead() const { return read_identification(io_) == kAllOnes; }

void GuardedDriver::check_interrupt(uint32_t value) const {
  if (get_field(value, akida::DMA_BUFFER_END_INTS_OB) != 0) {
    is_waiting_ = false;
    return;
  }
  const Clock::time_point now = Clock::now();
  if (!is_waiting_) waiting_since_ = now;
  is_waiting_ = true;
  if (now - waiting_since_ < kInterruptPatience) return;
  throw Fault("DEVICE_INTERRUPT", "the card never says that it has taken a part of its program");
}

/** Before any fetch this is what the engine counts from; during one it must be a job that was asked for. */
void GuardedDriver::check_job(uint32_t value) const {
  const auto job = static_cast<uint16_t>(get_field(value, akida::DMA_JOB_ID));
  if (slot_ == nullptr) {
    first_job_ = job;
    return;
  }
  const auto ended = static_cast<uint16_t>(job - first_job_);
  if (static_cast<uint16_t>(ended - jobs_.begin) <= static_cast<uint16_t>(jobs_.end - jobs_.begin)) return;
  throw Fault("DEVICE_JOB", "the card says that it has ended job " + std::to_string(job) + ", which nobody asked for: " +
                                std::to_string(jobs_.begin) + " are fetched of " + std::to_string(jobs_.end) +
                                " since job " + std::to_string(first_job_));
}

void GuardedDriver::begin_fetch(const OutputSlot& slot, const Jobs& jobs) {
  slot_ = &slot;
  jobs_ = jobs;
  has_header_ = false;
}

bool GuardedDriver::is_queue_waiting() const {
  const uint32_t queue = read32(kImages + akida::DMA_DESC_CONT_REG);
  return get_field(queue, akida::DMA_CUR_DESC_CONT) != get_field(queue, akida::DMA_LAST_DESC_CONT);
}

}  // namespace spikescope
