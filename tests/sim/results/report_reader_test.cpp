// The reader of stored reports believes nothing: whatever is changed in one, it is read as it was,
// or refused in a line.
#include "sim/results/report_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "sim/machine/architecture_file.hpp"
#include "sim/results/json_tree.hpp"
#include "sim/results/report_json.hpp"
#include "sim/studies/run.hpp"
#include "support/error.hpp"
#include "tests/support/temporary_folder.hpp"
#include "workloads/sources/open_workload.hpp"

namespace potomac::sim {
namespace {

// A small run that has all that a report can have: a device, a step, two accountings, toggles.
RunResult small_run(bool of_a_trace) {
  const auto workload = workloads::open_workload(
      of_a_trace ? POTOMAC_SOURCE_DIR "/workloads/traces/fashion-cnn-b16.h5"
                 : POTOMAC_SOURCE_DIR "/workloads/models/resnet18.yaml",
      {});
  RunOptions options;
  set_key(options.architecture, "memory.dram.preset=ddr4-2400");
  options.selection.layers = {of_a_trace ? "*fc2*" : "*-fc"};
  options.prices = {
      {energy::load_unit_energy_table(POTOMAC_SOURCE_DIR "/energy/tables/horowitz-45nm.yaml")},
      accountings_for("structural", "")};
  options.step = Optimizer::kAdam;
  options.toggles = of_a_trace;
  if (!of_a_trace) {
    options.assumed = Densities{.w = 0.9, .a = 0.4, .g = 0.3};
  }
  WorkerPool pool(2);
  return run(*workload, options, {pool});
}

class ReportReader : public testing::TestWithParam<bool> {
 protected:
  std::string text_ = report_json(small_run(GetParam()));

  // What reading a text says: empty, or a refusal's line.
  std::string refusal(const std::string& text) {
    const auto file = folder_.path() / "report.json";
    std::ofstream(file) << text;
    try {
      read_ = report_json(load_report(file));
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  }

  std::string read_;

 private:
  ScratchFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(, ReportReader, testing::Bool(), [](const auto& of_a_trace) {
  return std::string(of_a_trace.param ? "OfATrace" : "OfShapes");
});

TEST_P(ReportReader, ReadsWhatWasWrittenToTheBit) {
  EXPECT_EQ(refusal(text_), "");
  EXPECT_EQ(read_, text_);
}

// Places of all that is no list and no map, as pointers.
void collect(const Json& json, const Json::json_pointer& at,
             std::vector<Json::json_pointer>& places) {
  places.push_back(at);
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      collect(value, at / key, places);
    }
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      collect(json[i], at / i, places);
    }
  }
}

TEST_P(ReportReader, BelievesNoValueWhateverItsType) {
  constexpr unsigned kSeed = 20261;
  const Json original = Json::parse(text_);
  std::vector<Json::json_pointer> places;
  collect(original, Json::json_pointer(), places);
  const std::vector<Json> values = {nullptr,
                                    true,
                                    -1,
                                    0,
                                    7,
                                    1.5,
                                    1e300,
                                    std::numeric_limits<std::uint64_t>::max(),
                                    std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::int64_t>::min(),
                                    "",
                                    "text",
                                    "\x1b]0;x\x07",
                                    Json::array(),
                                    Json::object(),
                                    Json::array({1, 2}),
                                    Json{{"a", 1}}};
  std::mt19937_64 random(kSeed);
  int refused = 0;
#ifdef POTOMAC_SANITIZES
  constexpr int kChanges = 30;  // each is slow there
#else
  constexpr int kChanges = 100;
#endif
  for (int i = 0; i < kChanges; ++i) {
    Json changed = original;
    const auto& place = places[1 + random() % (places.size() - 1)];
    Json& at = changed[place];
    if (random() % 8 == 0) {
      changed[place.parent_pointer()].is_object()
          ? static_cast<void>(changed[place.parent_pointer()].erase(place.back()))
          : static_cast<void>(at = nullptr);
    } else {
      at = values[random() % values.size()];
    }
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", change " + std::to_string(i) + " at " +
                 place.to_string());
    const std::string said = refusal(json_text(changed));
    refused += said.empty() ? 0 : 1;
    EXPECT_EQ(said.find('\n'), std::string::npos);
    EXPECT_EQ(said.find('\x1b'), std::string::npos);
    if (said.empty()) {
      EXPECT_EQ(read_.find('\x1b'), std::string::npos);
    }
  }
  EXPECT_GT(refused, kChanges * 9 / 10);  // a few places are free: a step, a seed, a source's text
}

TEST_P(ReportReader, TellsTextsThatWouldSteerATerminal) {
  Json changed = Json::parse(text_);
  changed["workload"]["model"] = "\x1b[2Jm";
  EXPECT_THAT(refusal(json_text(changed)),
              testing::HasSubstr("workload.model: must be a plain text"));
}

TEST_P(ReportReader, RefusesAnotherVersion) {
  Json changed = Json::parse(text_);
  changed["version"] = 2;
  EXPECT_THAT(refusal(json_text(changed)),
              testing::HasSubstr("version 2; this Potomac reads version 3; run it again"));
}

// Takes a key out of every map that has it.
void erase_everywhere(Json& json, const std::string& key) {
  if (json.is_object()) {
    json.erase(key);
  }
  for (Json& below : json) {
    if (below.is_structured()) {
      erase_everywhere(below, key);
    }
  }
}

TEST_P(ReportReader, ReadsAReportOfBeforeAKeyOrACountWasAdded) {
  Json before = Json::parse(text_);
  before["architecture"]["pe"].erase("zero_gating");
  before.erase("potomac");
  erase_everywhere(before, "dropped_product");
  erase_everywhere(before, "overflowed_result");
  erase_everywhere(before, "aligned_register_write");
  EXPECT_EQ(refusal(json_text(before)), "");
  Json read = Json::parse(read_);
  EXPECT_EQ(read["architecture"], Json::parse(text_)["architecture"]);
  EXPECT_EQ(read["totals"]["machines"]["mf_mac"]["actions"]["dropped_product"], nullptr);
  EXPECT_EQ(read["potomac"]["build"], nullptr);
  erase_everywhere(before, "folds");
  EXPECT_THAT(refusal(json_text(before)), testing::HasSubstr("folds"));
}

TEST_P(ReportReader, KeepsTheDeviceThatTheRunHad) {
  Json changed = Json::parse(text_);
  changed.erase("dram_preset");
  EXPECT_THAT(refusal(json_text(changed)), testing::HasSubstr("'dram_preset' is missing"));
}

}  // namespace
}  // namespace potomac::sim
