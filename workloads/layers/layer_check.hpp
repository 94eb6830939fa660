// Whether a layer's kind, tensors and geometry fit one another.
#pragma once

#include <string>

#include "workloads/layers/layer.hpp"

namespace potomac::workloads {

// Throws InputError (file, layer and what does not fit) unless the name is 1 to 255 bytes of plain
// text without a slash, ranks and extents agree with the kind (a conv2d's P and Q by
// floor((H + padding - d(k-1) - 1) / s) + 1; a transposed one's H and W of its P and Q likewise),
// extents are at least 1 and multiply to at most kMaxShapeElements, stride, dilation and groups are
// positive, padding is not negative, no pass has more than 2^62 MACs, and none has more than 2^16
// phases.
void check(const LayerShape& layer, const std::string& file);

}  // namespace potomac::workloads
