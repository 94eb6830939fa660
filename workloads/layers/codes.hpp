// A tensor's codes in their order: its own, or somebody else's memory, which is read and never
// written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rtl_models/arithmetic/pot_code.hpp"

namespace potomac::workloads {

class Codes {
 public:
  // NOLINTBEGIN(readability-identifier-naming): as containers call them
  using value_type = rtl::PotCode;
  using iterator = rtl::PotCode*;
  using const_iterator = const rtl::PotCode*;
  // NOLINTEND(readability-identifier-naming)

  Codes() = default;
  Codes(std::vector<rtl::PotCode> own)  // NOLINT(google-explicit-constructor)
      : own_(std::move(own)) {}
  Codes(std::initializer_list<rtl::PotCode> own) : own_(own) {}
  // Somebody else's, who keeps them as they are for as long as there is a copy of `keeper`.
  static Codes of_memory(std::span<const rtl::PotCode> memory, std::shared_ptr<const void> keeper) {
    Codes codes;
    codes.memory_ = memory;
    codes.keeper_ = std::move(keeper);
    return codes;
  }

  std::size_t size() const { return keeper_ ? memory_.size() : own_.size(); }
  bool empty() const { return size() == 0; }
  const rtl::PotCode* data() const { return keeper_ ? memory_.data() : own_.data(); }
  const_iterator begin() const { return data(); }
  const_iterator end() const { return data() + size(); }
  const rtl::PotCode& operator[](std::size_t i) const { return data()[i]; }

  // Precondition of all that follow: they are its own.
  rtl::PotCode* data() { return own_.data(); }
  iterator begin() { return own_.data(); }
  iterator end() { return own_.data() + own_.size(); }
  rtl::PotCode& operator[](std::size_t i) { return own_[i]; }
  void resize(std::size_t size) { own_.resize(size); }
  void assign(std::size_t size, rtl::PotCode code) { own_.assign(size, code); }
  void push_back(rtl::PotCode code) { own_.push_back(code); }
  void pop_back() { own_.pop_back(); }
  std::vector<rtl::PotCode> taken() && { return std::move(own_); }

  friend bool operator==(const Codes& one, const Codes& other) {
    return std::ranges::equal(one, other);
  }

 private:
  std::vector<rtl::PotCode> own_;
  std::span<const rtl::PotCode> memory_;
  std::shared_ptr<const void> keeper_;  // null: they are its own
};

}  // namespace potomac::workloads
