// The GEMMs of a pass in a few words: "6272x64x288", "4*1568x32x64..256".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/machine/blocking.hpp"
#include "workloads/layers/gemm_shape.hpp"

namespace potomac::sim {

// COUNT*MxNxK; an extent that differs between the GEMMs is a range.
std::string gemm_text(std::span<const workloads::GemmShape> gemms);

// The tiles of each of some GEMMs: "96x64x576", where they differ from one to the other
// "96x1..9x576".
std::string tile_text(std::span<const Blocking> tiles);

// The order that loop_order_text() calls so; nothing if the text is no order.
std::optional<LoopOrder> loop_order_of(std::string_view text);

}  // namespace potomac::sim
