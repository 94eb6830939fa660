// A layer as machines that multiply see it.
#pragma once

#include <array>
#include <optional>

#include "workloads/layers/layer.hpp"
#include "workloads/layers/lowering.hpp"

namespace potomac::sim {

// The binary32 values that codes stand for: +-2^(e + beta); beyond binary32, its largest or its
// smallest (subnormal) magnitude. So a value is zero exactly where its code is.
std::array<float, 256> dequantized_values(rtl::PotFormat format, int beta);

// Multipliers compute with the originals, where the layer has them, else with the values that its
// codes stand for.
class MultipliedLayer {
 public:
  // The layer must outlive it.
  explicit MultipliedLayer(const workloads::Layer& layer);

  // The pass with these values, and with codes that are zero where these are: a view, which this
  // must outlive. The same precondition as that of LoweredPass.
  workloads::LoweredPass pass(workloads::Pass pass, const workloads::Lowering& lowering) const {
    return {zeros_ ? *zeros_ : *layer_, pass, lowering,
            dequantized_ ? &*dequantized_ : &*layer_->originals};
  }

 private:
  const workloads::Layer* layer_;
  std::optional<workloads::Layer> zeros_;              // of the originals
  std::optional<workloads::Fp32Tensors> dequantized_;  // where there are no originals
};

}  // namespace potomac::sim
