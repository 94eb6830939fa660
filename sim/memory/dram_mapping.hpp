// Which channel, bank and row a burst of a DRAM device lies in.
//
// Bursts go round the channels; those of a channel round its bank groups, then along a row, then
// round the banks of a group, then on to the next rows. So bursts that follow one another need not
// wait for a bank group. Under DramMapping::kXor the bits of the channel are XORed with all groups
// of so many bits above them, and those of the bank with all groups of the row's bits: who goes
// through memory in a stride still meets all channels and banks.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "sim/machine/architecture.hpp"
#include "sim/memory/dram_device.hpp"
#include "sim/memory/dram_places.hpp"

namespace potomac::sim {

class DramAddresses {
 public:
  // `preset` has the channels that are used: a power of two under kXor.
  DramAddresses(const DramPreset& preset, DramMapping mapping)
      : channels_(preset.channels),
        is_xor_(mapping == DramMapping::kXor),
        channel_bits_(bits_of(preset.channels)),
        group_mask_(preset.bank_groups - 1),
        stripe_bits_(bits_of(preset.bursts_per_row() * preset.bank_groups)),
        bank_bits_(bits_of(preset.banks_per_group)),
        group_bits_(bits_of(preset.bank_groups)) {}

  // The bursts of a run that are a channel's, numbered in it; nothing if there are none.
  std::optional<BurstRun> of_channel(const BurstRun& run, std::int64_t channel) const {
    BurstRun own;
    if (!is_xor_) {
      // Burst number b is the channel's if b % channels == channel, and b / channels there.
      own = {(run.begin - channel + channels_ - 1) / channels_,
             (run.end - channel + channels_ - 1) / channels_};
    } else {
      const std::int64_t first = run.begin >> channel_bits_;
      const std::int64_t last = (run.end - 1) >> channel_bits_;
      const std::int64_t mask = channels_ - 1;
      const auto place = [&](std::int64_t round) { return channel ^ folded(round, channel_bits_); };
      own.begin = place(first) >= (run.begin & mask) ? first : first + 1;
      own.end = place(last) <= ((run.end - 1) & mask) ? last + 1 : last;
    }
    return own.begin < own.end ? std::optional(own) : std::nullopt;
  }

  std::int64_t channel_of(std::int64_t burst) const {
    return is_xor_ ? (burst & (channels_ - 1)) ^ folded(burst >> channel_bits_, channel_bits_)
                   : burst % channels_;
  }

  // Of a burst by its number in its channel.
  DramAddress address_of(std::int64_t burst) const {
    const std::int64_t group = burst & group_mask_;
    const std::int64_t in_groups = burst >> stripe_bits_;
    const std::int64_t row = in_groups >> bank_bits_;
    const std::int64_t bank =
        (in_groups & ((std::int64_t{1} << bank_bits_) - 1)) << group_bits_ | group;
    return {bank ^ twist_of(row), row};
  }
  // What is XORed with the numbers of a row's banks.
  std::int64_t twist_of(std::int64_t row) const {
    return is_xor_ ? folded(row, bank_bits_ + group_bits_) : 0;
  }

 private:
  static int bits_of(std::int64_t power_of_two) {
    return std::countr_zero(static_cast<std::uint64_t>(power_of_two));
  }
  // All groups of so many bits, XORed.
  static std::int64_t folded(std::int64_t number, int bits) {
    std::int64_t sum = 0;
    for (; bits > 0 && number > 0; number >>= bits) {
      sum ^= number;
    }
    return sum & ((std::int64_t{1} << bits) - 1);
  }

  std::int64_t channels_;
  bool is_xor_;
  int channel_bits_;
  std::int64_t group_mask_;
  int stripe_bits_;
  int bank_bits_;
  int group_bits_;
};

}  // namespace potomac::sim
