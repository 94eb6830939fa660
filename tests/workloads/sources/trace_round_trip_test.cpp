#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "support/error.hpp"
#include "tests/support/hdf5/hdf5_edits.hpp"
#include "tests/workloads/sources/trace_samples.hpp"
#include "workloads/sources/trace_reader.hpp"
#include "workloads/sources/trace_writer.hpp"

namespace potomac::workloads {
namespace {

using testing::HasSubstr;

class TraceRoundTripTest : public TraceFolder {
 protected:
  std::vector<std::string> names_in_folder() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
};

std::int64_t extent(std::int64_t low, std::int64_t high) {
  return *rc::gen::inRange<std::int64_t>(low, high + 1);
}

LayerShape any_shape(std::string name) {
  LayerShape layer{.name = std::move(name), .kind = {}, .conv = {}, .w = {}, .a = {}, .g = {}};
  layer.input_grad = *rc::gen::arbitrary<bool>();
  layer.weight_grad = *rc::gen::arbitrary<bool>();
  layer.term = *rc::gen::inRange(1, 3);
  layer.kind = *rc::gen::elementOf(kLayerKinds);
  if (layer.kind == LayerKind::kLinear) {
    const std::int64_t batch = extent(1, 6);
    const std::int64_t inputs = extent(1, 20);
    const std::int64_t outputs = extent(1, 20);
    layer.w = {outputs, inputs};
    layer.a = {batch, inputs};
    layer.g = {batch, outputs};
    return layer;
  }
  if (layer.kind == LayerKind::kMatmul) {
    const std::int64_t batch = extent(1, 4);
    const std::int64_t m = extent(1, 8);
    const std::int64_t n = extent(1, 8);
    const std::int64_t k = extent(1, 8);
    layer.w = {batch, k, n};
    layer.a = {batch, m, k};
    layer.g = {batch, m, n};
    return layer;
  }
  const std::int64_t batch = extent(1, 3);
  const std::int64_t groups = extent(1, 3);
  const std::int64_t channels = extent(1, 3) * groups;
  const std::int64_t outputs = extent(1, 3) * groups;
  layer.w = {outputs, channels / groups};
  layer.a = {batch, channels};
  layer.g = {batch, outputs};
  GeometryLists lists;
  Shape behind;
  for (std::size_t axis = 0; axis < (is_volumetric(layer.kind) ? 3U : 2U); ++axis) {
    const std::int64_t kernel = extent(1, 3);
    lists.stride.push_back(extent(1, 3));
    lists.dilation.push_back(extent(1, 2));
    lists.padding.push_back(extent(0, 2));
    behind.push_back(extent(0, 2));
    const std::int64_t around = lists.padding.back() + behind.back();
    const std::int64_t reach = lists.dilation.back() * (kernel - 1) + 1;
    const std::int64_t input = extent(std::max<std::int64_t>(1, reach - around), 9);
    layer.w.push_back(kernel);
    layer.a.push_back(input);
    layer.g.push_back((input + around - reach) / lists.stride.back() + 1);
  }
  lists.padding.insert(lists.padding.end(), behind.begin(), behind.end());
  layer.conv = geometry_of(lists, groups);
  if (is_transposed(layer.kind)) {
    std::swap(layer.a, layer.g);
  }
  return layer;
}

QuantizedTensor any_tensor(const Shape& shape) {
  QuantizedTensor tensor = random_tensor(
      shape, *rc::gen::inRange(rtl::kMinPotBits, rtl::kMaxPotBits + 1),
      *rc::gen::inRange(-kMaxAbsBeta, kMaxAbsBeta + 1), *rc::gen::arbitrary<std::uint64_t>());
  if (*rc::gen::arbitrary<bool>()) {
    const auto zeros = std::ranges::count(tensor.codes, tensor.format().zero());
    const std::int64_t exact = extent(0, zeros);
    tensor.zeros = {exact, zeros - exact};
  }
  return tensor;
}

// Of a layer behind these.
LayerOrigin any_origin(const std::vector<Layer>& before) {
  const auto producers = [&]() -> std::optional<std::vector<std::string>> {
    if (*rc::gen::arbitrary<bool>()) {
      return std::nullopt;
    }
    std::vector<std::string> names;
    for (const Layer& layer : before) {
      if (*rc::gen::arbitrary<bool>()) {
        names.push_back(layer.shape.name);
      }
    }
    return names;
  };
  LayerOrigin origin;
  if (*rc::gen::arbitrary<bool>()) {
    origin.sums.emplace();
    for (TrainedSum& sum : *origin.sums) {
      if (*rc::gen::arbitrary<bool>()) {
        sum.accumulator = {.bits = *rc::gen::inRange(8, 65),
                           .lsb = *rc::gen::inRange(-256, 257),
                           .overflow = *rc::gen::elementOf(rtl::kOverflows)};
      }
    }
  }
  origin.w_producers = producers();
  origin.a_producers = producers();
  return origin;
}

TEST_F(TraceRoundTripTest, WhatIsWrittenIsRead) {
  rc::check([&] {
    std::vector<Layer> layers;
    std::vector<LayerOrigin> origins;
    const auto count = *rc::gen::inRange(1, 13);
    const bool originals = *rc::gen::arbitrary<bool>();
    for (int i = 0; i < count; ++i) {
      Layer layer;
      layer.shape = any_shape((i < 10 ? "00" : "0") + std::to_string(i) + "-l\xC3\xA4yer");
      layer.w = any_tensor(layer.shape.w);
      layer.a = any_tensor(layer.shape.a);
      layer.g = layer.shape.uses_gradient() ? any_tensor(layer.shape.g)
                                            : QuantizedTensor{.shape = layer.shape.g, .codes = {}};
      if (originals && layer.shape.term == 1) {
        layer.originals = values_of(layer.shape);
      }
      origins.push_back(any_origin(layers));
      layers.push_back(std::move(layer));
    }
    const WorkloadInfo info{
        .model =
            "m\xC3\xB6"
            "del",
        .framework = "",
        .dataset = std::string(300, 'd'),
        .step = *rc::gen::arbitrary<std::int64_t>(),
        .seed = *rc::gen::arbitrary<std::int64_t>(),
        .rounding = *rc::gen::element<std::string>("log2", "linear"),
        .gradient_rounding = *rc::gen::element<std::string>("", "linear", "stochastic")};
    write_trace(path("a.h5"), layers, info, origins);
    const TraceReader reader(path("a.h5"));
    RC_ASSERT(reader.info() == info);
    RC_ASSERT(reader.has_originals() == std::ranges::any_of(layers, [](const Layer& layer) {
                return layer.originals.has_value();
              }));
    RC_ASSERT(reader.layers().size() == layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      RC_ASSERT(equal(reader.layers()[i], layers[i].shape));
      const LayerFormats formats{.w = {layers[i].w.bits, layers[i].w.beta, layers[i].w.zeros},
                                 .a = {layers[i].a.bits, layers[i].a.beta, layers[i].a.zeros},
                                 .g = {layers[i].g.bits, layers[i].g.beta, layers[i].g.zeros},
                                 .origin = origins[i]};
      RC_ASSERT(reader.formats()[i] == formats);
    }
    RC_ASSERT(equal(read_trace(reader), layers));
  });
}

TEST_F(TraceRoundTripTest, VersionOneIsReadAsItWas) {
  write_trace(path("a.h5"), sample_layers());
  Hdf5Edit(path("a.h5")).set_integer("/", "version", 1);
  const TraceReader reader(path("a.h5"));
  EXPECT_TRUE(equal(read_trace(reader), sample_layers()));
  EXPECT_FALSE(reader.has_originals());
  EXPECT_EQ(reader.formats().front().origin, LayerOrigin{});
}

TEST_F(TraceRoundTripTest, WhatIsNotIncludedComesBackInItsOrder) {
  const std::vector<NotIncluded> left_out = {{"encoder.lstm", "LSTM", "a recurrence"},
                                             {"a", "matmul", "excluded by name"}};
  {
    TraceWriter writer(path("a.h5"), sample_info(), left_out);
    writer.write(sample_layers().front());
    writer.finish();
  }
  EXPECT_EQ(TraceReader(path("a.h5")).not_included(), left_out);
  write_trace(path("b.h5"), sample_layers());
  EXPECT_TRUE(TraceReader(path("b.h5")).not_included().empty());
}

TEST_F(TraceRoundTripTest, ATensorOfManyChunksComesBack) {
  LayerShape shape = linear_shape();
  shape.w = {700, 1000};
  shape.a = {3, 1000};
  shape.g = {3, 700};
  const std::vector<Layer> layers = {random_layer(shape, 1)};
  write_trace(path("a.h5"), layers);
  EXPECT_TRUE(equal(read_trace(TraceReader(path("a.h5"))), layers));
}

TEST_F(TraceRoundTripTest, LayersMayBeReadInAnyOrderAndAgain) {
  const std::vector<Layer> layers = sample_layers();
  write_trace(path("a.h5"), layers);
  const TraceReader reader(path("a.h5"));
  for (const std::size_t i : {2U, 0U, 1U, 0U}) {
    EXPECT_TRUE(equal(reader.read(i)->a, layers[i].a));
  }
}

TEST_F(TraceRoundTripTest, AReaderMayBeMovedAndOneFileReadTwice) {
  const std::vector<Layer> layers = sample_layers();
  write_trace(path("a.h5"), layers);
  TraceReader first(path("a.h5"));
  const TraceReader second(path("a.h5"));
  const TraceReader moved = std::move(first);
  EXPECT_TRUE(equal(read_trace(moved), layers));
  EXPECT_TRUE(equal(read_trace(second), layers));
}

TEST_F(TraceRoundTripTest, EqualLayersGiveEqualBytes) {
  write_trace(path("a.h5"), sample_layers());
  // HDF5 would note the second in which something was made.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  write_trace(path("b.h5"), sample_layers());
  EXPECT_EQ(bytes_of(path("a.h5")), bytes_of(path("b.h5")));
}

TEST_F(TraceRoundTripTest, AnAbandonedWriterLeavesTheOldFileAlone) {
  put_bytes(path("a.h5"), "old");
  {
    TraceWriter writer(path("a.h5"), sample_info());
    writer.write(sample_layers().front());
  }
  EXPECT_EQ(bytes_of(path("a.h5")), "old");
  EXPECT_THAT(names_in_folder(), testing::ElementsAre("a.h5"));
}

// --- what the writer refuses, so that no reader must ---

class TraceWriterFaults : public TraceRoundTripTest {
 protected:
  std::string refusal(const std::vector<Layer>& layers,
                      const WorkloadInfo& info = sample_info()) const {
    try {
      write_trace(path("a.h5"), layers, info);
    } catch (const InputError& error) {
      EXPECT_THAT(names_in_folder(), testing::IsEmpty());
      return error.what();
    }
    return "no error";
  }
  static Layer sample() { return random_layer(linear_shape(), 1); }
};

TEST_F(TraceWriterFaults, NoLayer) {
  EXPECT_THAT(refusal({}), HasSubstr("layers: holds no layer"));
}

TEST_F(TraceWriterFaults, AFolderThatIsNotThere) {
  EXPECT_THROW(TraceWriter(path("none") / "a.h5", sample_info()), InputError);
}

TEST_F(TraceWriterFaults, NamesThatDoNotSortInForwardOrder) {
  EXPECT_THAT(refusal({random_layer(linear_shape("10-b"), 1), random_layer(linear_shape("2-a"), 1),
                       random_layer(linear_shape("11-c"), 1)}),
              HasSubstr("layers/2-a: its name does not sort behind '10-b'"));
  EXPECT_THAT(refusal({sample(), sample()}), HasSubstr("does not sort behind"));
}

TEST_F(TraceRoundTripTest, LayersBeyondTheThousandthStayInForwardOrder) {
  std::vector<Layer> layers;
  for (const char* name : {"000-a", "998-b", "999-c", "1000-d", "1001-e", "10000-f"}) {
    layers.push_back(random_layer(linear_shape(name), 1));
  }
  write_trace(path("a.h5"), layers);
  const TraceReader reader(path("a.h5"));
  ASSERT_EQ(reader.layers().size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(reader.layers()[i].name, layers[i].shape.name);
  }
}

TEST_F(TraceWriterFaults, AShapeThatDoesNotFit) {
  Layer layer = sample();
  layer.shape.a[1] += 1;
  EXPECT_THAT(refusal({layer}), HasSubstr("W[1] is 12 but A[1] is 13"));
}

TEST_F(TraceWriterFaults, ATensorThatIsNotTheLayers) {
  Layer layer = sample();
  layer.w.shape = {12, 10};
  EXPECT_THAT(refusal({layer}),
              HasSubstr("001-linear/W: its shape [12, 10] is not the layer's [10, 12]"));
  layer = sample();
  layer.a.codes.pop_back();
  EXPECT_THAT(refusal({layer}), HasSubstr("001-linear/A: has 35 codes for the shape [3, 12]"));
}

TEST_F(TraceWriterFaults, FormatsOutOfRange) {
  Layer layer = sample();
  layer.g.bits = 9;
  EXPECT_THAT(refusal({layer}), HasSubstr("001-linear/G: bits is 9; it must be from 3 to 8"));
  layer = sample();
  layer.g.beta = -3000;
  EXPECT_THAT(refusal({layer}), HasSubstr("beta is -3000"));
}

TEST_F(TraceWriterFaults, CodesThatAreNotCanonical) {
  Layer layer = sample();
  layer.a.codes[17] = 0x18;
  EXPECT_THAT(refusal({layer}),
              HasSubstr("A: code 0x18 at [1, 5] (element 17) is a negative zero"));
}

TEST_F(TraceWriterFaults, AnOriginThatIsNotPlainText) {
  WorkloadInfo info = sample_info();
  info.model = "a\nb";
  EXPECT_THAT(refusal({sample()}, info), HasSubstr("model 'a\\x0Ab' is no plain text"));
  info = sample_info();
  info.rounding = "nearest";
  EXPECT_THAT(refusal({sample()}, info), HasSubstr("rounding 'nearest' is not known"));
}

// The exit status: 7 if writing more than the process may is the expected error.
int write_to_a_full_disk(const std::filesystem::path& path, const Layer& layer) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{65'536, 65'536};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  try {
    write_trace(path, {layer});
  } catch (const MachineError& error) {
    return std::string(error.what()).find("full.h5: ") != std::string::npos ? 7 : 8;
  }
  return 9;
}

TEST_F(TraceWriterFaults, AFullDiskIsAMachineErrorAndLeavesNothing) {
  LayerShape shape = linear_shape();
  shape.w = {500, 1000};
  shape.a = {3, 1000};
  shape.g = {3, 500};
  // It has a process of its own, since the limit stays. exit(), for libhdf5's own clean-up must not
  // stumble either.
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread calls exit() there.
  EXPECT_EXIT(std::exit(write_to_a_full_disk(path("full.h5"), random_layer(shape, 1))),
              testing::ExitedWithCode(7), "^$");
  EXPECT_THAT(names_in_folder(), testing::IsEmpty());
}

}  // namespace
}  // namespace potomac::workloads
