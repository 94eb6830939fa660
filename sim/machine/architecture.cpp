#include "sim/machine/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace potomac::sim {

std::int64_t word_bits_of(const ScratchpadConfig& scratchpad, std::int64_t element_bits) {
  return std::max(scratchpad.word_bits, element_bits);
}

std::int64_t channels_of(const DramConfig& dram) {
  return dram.channels.value_or(dram.device ? dram.device->channels : 1);
}

DramPreset preset_of(const DramConfig& dram) {
  DramPreset preset = *dram.device;
  preset.channels = channels_of(dram);
  return preset;
}

double peak_gb_s(const DramConfig& dram) {
  return dram.device ? dram.device->channel_gb_s() * static_cast<double>(channels_of(dram))
                     : dram.bandwidth_gb_s;
}

DramConfig without_device(const DramConfig& dram) {
  DramConfig simple;
  simple.bandwidth_gb_s = peak_gb_s(dram);
  simple.latency_ns = dram.device ? dram.device->idle_latency_ns() : dram.latency_ns;
  return simple;
}

std::string text_of(const DramConfig& dram) {
  if (!dram.device) {
    return fmt::format("{} GB/s, {} ns", dram.bandwidth_gb_s, dram.latency_ns);
  }
  const std::int64_t channels = channels_of(dram);
  return fmt::format("{}, {} channel{}, {:g} GB/s", dram.device->name, channels,
                     channels == 1 ? "" : "s", peak_gb_s(dram));
}

MemoryConfig& memory_of(Architecture& architecture) {
  return architecture.memory ? *architecture.memory : architecture.memory.emplace();
}

DramConfig& dram_of(Architecture& architecture) {
  MemoryConfig& memory = memory_of(architecture);
  return memory.dram ? *memory.dram : memory.dram.emplace();
}

}  // namespace potomac::sim
