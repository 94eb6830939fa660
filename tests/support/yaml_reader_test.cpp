// Strict YAML: what is read, and the message (file, line, key, remedy) for what is not.
#include "support/yaml_reader.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "support/error.hpp"
#include "tests/support/input_error.hpp"
#include "tests/support/temporary_folder.hpp"

namespace potomac {
namespace {

using test::input_error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

YamlValue read(const std::string& text) {
  return read_yaml_text(text, "arch.yaml");
}

const std::string kDocument = R"(array:
  rows: 16
  dataflow: os
pe:
  accumulator: {bits: 32, lsb: exact}
  zero_gating: true
clock_mhz: 500.5
shapes: [4, 8]
)";

// --- what is read ---

TEST(YamlReader, reads_scalars_of_each_type) {
  const YamlValue root = read(kDocument);
  EXPECT_EQ(root.at("array").at("rows").as_integer(1, 1024), 16);
  EXPECT_EQ(root.at("array").at("dataflow").as_string(), "os");
  EXPECT_EQ(root.at("array").at("dataflow").as_one_of({"ws", "os"}), 1U);
  EXPECT_TRUE(root.at("pe").at("zero_gating").as_bool());
  EXPECT_EQ(root.at("clock_mhz").as_number(1.0, 1e4), 500.5);
}

TEST(YamlReader, reads_containers) {
  const YamlValue root = read(kDocument);
  EXPECT_TRUE(root.is_map());
  const std::vector<YamlValue> shapes = root.at("shapes").items();
  ASSERT_EQ(shapes.size(), 2U);
  EXPECT_EQ(shapes[1].as_integer(1, 8), 8);
  EXPECT_EQ(shapes[1].key(), "shapes[1]");
  const auto entries = root.at("array").entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].first, "rows");
  EXPECT_EQ(entries[1].second.key(), "array.dataflow");
}

TEST(YamlReader, an_optional_key_may_be_absent) {
  const YamlValue root = read(kDocument);
  EXPECT_TRUE(root.find("pe"));
  EXPECT_FALSE(root.find("baseline"));
}

TEST(YamlReader, a_value_knows_its_file_and_its_path) {
  const YamlValue bits = read(kDocument).at("pe").at("accumulator").at("bits");
  EXPECT_EQ(bits.file(), "arch.yaml");
  EXPECT_EQ(bits.key(), "pe.accumulator.bits");
}

// --- keys ---

TEST(YamlReaderRefusal, an_unknown_key_is_named_with_the_known_ones) {
  const YamlValue root = read(kDocument);
  EXPECT_EQ(input_error_of([&] {
              root.at("array").allow_only({"rows", "cols"});
            }),
            "arch.yaml: line 3, key 'array.dataflow': is not a known key; known here: rows, cols");
  EXPECT_NO_THROW(root.at("array").allow_only({"dataflow", "rows", "cols"}));
}

TEST(YamlReaderRefusal, a_missing_key_is_named_with_the_place_it_is_missed_at) {
  const YamlValue root = read(kDocument);
  EXPECT_EQ(input_error_of([&] { (void)root.at("pe").at("operand_bits"); }),
            "arch.yaml: line 5, key 'pe': key 'pe.operand_bits' is missing; add 'operand_bits: "
            "...'");
  EXPECT_EQ(input_error_of([&] { (void)root.at("baseline"); }),
            "arch.yaml: line 1, top level: key 'baseline' is missing; add 'baseline: ...'");
}

TEST(YamlReaderRefusal, a_key_given_twice) {
  const std::string text = "array:\n  rows: 16\n  cols: 16\n  rows: 8\n";
  const std::string message =
      "arch.yaml: line 4, key 'array.rows': is given twice; keep one of them";
  const YamlValue array = read(text).at("array");
  EXPECT_EQ(input_error_of([&] { (void)array.entries(); }), message);
  EXPECT_EQ(input_error_of([&] { (void)array.at("rows"); }), message);
  EXPECT_EQ(input_error_of([&] { (void)array.find("cols"); }), message);
  EXPECT_EQ(input_error_of([&] { array.allow_only({"rows", "cols"}); }), message);
}

TEST(YamlReaderRefusal, a_key_that_is_no_text) {
  EXPECT_EQ(
      input_error_of([] { (void)read("array:\n  rows: 1\n  [a, b]: 1\n").at("array").at("a"); }),
      "arch.yaml: line 3, key 'array.?': must be a text; write a single word before the colon");
  for (const std::string text : {"? [a, b]\n: 1\n", "{a: 1}: 2\n", "~: 1\n"}) {
    EXPECT_THAT(input_error_of([&] { (void)read(text).entries(); }),
                StartsWith("arch.yaml: line 1, key '?': must be a text"))
        << text;
  }
}

// --- types ---

TEST(YamlReaderRefusal, a_container_where_a_scalar_is_due) {
  const YamlValue shapes = read(kDocument).at("shapes");
  for (const std::string& message : {input_error_of([&] { (void)shapes.as_string(); }),
                                     input_error_of([&] { (void)shapes.as_bool(); }),
                                     input_error_of([&] { (void)shapes.as_integer(0, 9); }),
                                     input_error_of([&] { (void)shapes.as_number(0, 9); }),
                                     input_error_of([&] { (void)shapes.as_one_of({"a"}); })}) {
    EXPECT_THAT(message, AllOf(StartsWith("arch.yaml: line 8, key 'shapes': must be"),
                               HasSubstr("; write")));
  }
}

TEST(YamlReaderRefusal, a_scalar_where_a_container_is_due) {
  const YamlValue clock = read(kDocument).at("clock_mhz");
  EXPECT_EQ(input_error_of([&] { (void)clock.items(); }),
            "arch.yaml: line 7, key 'clock_mhz': must be a list; write [a, b, ...]");
  EXPECT_EQ(input_error_of([&] { (void)clock.entries(); }),
            "arch.yaml: line 7, key 'clock_mhz': must be a map of keys; write key: value");
  EXPECT_THAT(input_error_of([&] { clock.allow_only({"a"}); }), HasSubstr("must be a map"));
}

TEST(YamlReaderRefusal, a_document_of_the_wrong_type_is_at_the_top_level) {
  EXPECT_EQ(input_error_of([] { (void)read("# A list.\n- a\n").at("rows"); }),
            "arch.yaml: line 2, top level: must be a map of keys; write key: value");
  EXPECT_EQ(input_error_of([] { (void)read("rows: 16\n").items(); }),
            "arch.yaml: line 1, top level: must be a list; write [a, b, ...]");
}

TEST(YamlReaderRefusal, a_value_in_a_list_is_named_by_its_place) {
  EXPECT_EQ(input_error_of([] {
              (void)read("array:\n  shapes: [4,\n    x]\n")
                  .at("array")
                  .at("shapes")
                  .items()[1]
                  .as_integer(1, 8);
            }),
            "arch.yaml: line 3, key 'array.shapes[1]': 'x' is not a whole number from 1 to 8; "
            "write a whole number from 1 to 8");
}

TEST(YamlReaderRefusal, a_key_without_a_value) {
  const YamlValue root = read("clock_mhz: 1\narray:\npe:\n");
  EXPECT_THAT(input_error_of([&] { (void)root.at("array").as_integer(1, 8); }),
              StartsWith("arch.yaml: line 2, key 'array': must be a whole number"));
  EXPECT_THAT(input_error_of([&] { (void)root.at("pe").entries(); }),
              StartsWith("arch.yaml: line 3, key 'pe': must be a map of keys"));
}

TEST(YamlReaderRefusal, a_value_that_no_file_holds_has_a_key_and_no_line) {
  const YamlValue value = YamlValue::of_text("x", "sweep.yaml", "array.rows");
  EXPECT_EQ(input_error_of([&] { (void)value.as_bool(); }),
            "sweep.yaml: key 'array.rows': must be true or false; write true or false");
}

TEST(YamlReaderRefusal, a_text_that_would_break_or_steer_a_terminal) {
  struct Case {
    std::string text;
    std::string shown;
  };
  const std::vector<Case> cases = {{"name: M\xFCller", R"('M\xFCller')"},
                                   {R"(name: "\x1b[31mred")", R"('\x1B[31mred')"},
                                   {R"(name: "bell\a")", R"('bell\x07')"},
                                   {"name: \xC2\x9B"
                                    "31m",
                                    R"('\xC2\x9B31m')"}};
  for (const Case& one : cases) {
    const std::string message = input_error_of([&] { read(one.text).at("name").as_string(); });
    EXPECT_THAT(message, HasSubstr("key 'name': " + one.shown));
    EXPECT_THAT(message, HasSubstr("is not plain UTF-8 text"));
  }
  EXPECT_EQ(read("name: M\xC3\xBCller").at("name").as_string(), "M\xC3\xBCller");
  EXPECT_EQ(read("note: |\n  one\n  two\n").at("note").as_string(), "one\ntwo\n");
}

TEST(YamlReaderRefusal, a_bool_that_is_none) {
  EXPECT_EQ(input_error_of([] { (void)read("gating: maybe").at("gating").as_bool(); }),
            "arch.yaml: line 1, key 'gating': must be true or false; write true or false");
}

TEST(YamlReaderRefusal, a_name_that_is_not_among_those_known) {
  EXPECT_EQ(input_error_of([] {
              (void)read("flow: up").at("flow").as_one_of({"os", "ws"});
            }),
            "arch.yaml: line 1, key 'flow': 'up' is not known; use one of: os, ws");
}

// --- ranges ---

TEST(YamlReaderRange, integers_up_to_both_edges_and_not_beyond) {
  const auto value = [](const std::string& text) { return read("n: " + text).at("n"); };
  EXPECT_EQ(value("3").as_integer(3, 8), 3);
  EXPECT_EQ(value("8").as_integer(3, 8), 8);
  EXPECT_EQ(value("-8").as_integer(-8, 8), -8);
  for (const std::string text :
       {"2", "9", "-3", "3.0", "4e0", "four", "0x4", "4 bits", "''", "99999999999999999999"}) {
    EXPECT_THAT(input_error_of([&] { (void)value(text).as_integer(3, 8); }),
                AllOf(StartsWith("arch.yaml: line 1, key 'n'"),
                      HasSubstr("write a whole number from 3 to 8")))
        << text;
  }
  EXPECT_EQ(input_error_of([&] { (void)value("9").as_integer(3, 8); }),
            "arch.yaml: line 1, key 'n': '9' is not a whole number from 3 to 8; write a whole "
            "number from 3 to 8");
}

TEST(YamlReaderRange, numbers_up_to_both_edges_and_finite) {
  const auto value = [](const std::string& text) { return read("x: " + text).at("x"); };
  EXPECT_EQ(value("0").as_number(0.0, 1.0), 0.0);
  EXPECT_EQ(value("1").as_number(0.0, 1.0), 1.0);
  EXPECT_EQ(value("2.5e-3").as_number(0.0, 1.0), 0.0025);
  constexpr double kLargest = std::numeric_limits<double>::max();
  for (const std::string text : {"nan", ".nan", "inf", ".inf", "-inf", "1e999", "x", "''", "1,5"}) {
    EXPECT_THAT(input_error_of([&] { (void)value(text).as_number(-kLargest, kLargest); }),
                StartsWith("arch.yaml: line 1, key 'x'"))
        << text;
  }
  EXPECT_THAT(input_error_of([&] { (void)value("-0.1").as_number(0.0, 1.0); }),
              HasSubstr("'-0.1' is not a number from 0 to 1"));
  EXPECT_THAT(input_error_of([&] { (void)value("1.1").as_number(0.0, 1.0); }),
              HasSubstr("write a number from 0 to 1"));
}

RC_GTEST_PROP(YamlReaderProperty, an_integer_is_read_exactly_when_it_lies_in_its_range, ()) {
  const auto value = *rc::gen::arbitrary<std::int64_t>();
  const auto low = *rc::gen::arbitrary<std::int64_t>();
  const auto high = *rc::gen::arbitrary<std::int64_t>();
  const YamlValue node = read("n: " + std::to_string(value)).at("n");
  if (low <= value && value <= high) {
    RC_ASSERT(node.as_integer(low, high) == value);
  } else {
    RC_ASSERT_THROWS_AS((void)node.as_integer(low, high), InputError);
  }
}

// --- documents ---

TEST(YamlReaderRefusal, text_that_is_not_yaml) {
  EXPECT_THAT(input_error_of([] { read("a: 1\nb: [1, 2\n"); }),
              AllOf(StartsWith("arch.yaml: line "), HasSubstr("; mend the YAML syntax there")));
  EXPECT_THAT(input_error_of([] { read("a: *nobody\n"); }), StartsWith("arch.yaml: line 1: "));
}

TEST(YamlReaderRefusal, text_without_any_key) {
  for (const std::string text : {"", "\n", "# only a comment\n", "~", "---\n"}) {
    EXPECT_EQ(input_error_of([&] { read(text); }), "arch.yaml: is empty; write at least one key")
        << text;
  }
}

TEST(YamlReaderRefusal, a_second_document) {
  EXPECT_EQ(input_error_of([] { read("a: 1\n---\nb: 2\n"); }),
            "arch.yaml: line 2: a second document begins here; keep one document in the file");
  EXPECT_THAT(input_error_of([] { read("a: 1\n---\n"); }), HasSubstr("a second document begins"));
}

TEST(YamlReaderRefusal, nesting_without_end_is_an_error_and_not_a_crash) {
  EXPECT_THAT(input_error_of([] { read(std::string(100'000, '[')); }), StartsWith("arch.yaml: "));
}

using YamlFile = TemporaryFolder;

TEST_F(YamlFile, is_read_and_named_in_messages) {
  put("array.yaml", "rows: many\n");
  const YamlValue root = read_yaml_file(path("array.yaml"));
  EXPECT_EQ(input_error_of([&] { (void)root.at("rows").as_integer(1, 9); }),
            path("array.yaml").string() +
                ": line 1, key 'rows': 'many' is not a whole number from 1 to 9; write a whole "
                "number from 1 to 9");
}

TEST_F(YamlFile, that_is_missing_or_a_folder_is_named) {
  EXPECT_THAT(input_error_of([&] { read_yaml_file(path("none.yaml")); }),
              AllOf(StartsWith(path("none.yaml").string() + ": cannot be read (No such file"),
                    HasSubstr("; check the name")));
  EXPECT_THAT(input_error_of([&] { read_yaml_file(folder_); }),
              StartsWith(folder_.string() + ": cannot be read (Is a directory)"));
}

TEST_F(YamlFile, that_is_empty_is_named) {
  put("empty.yaml", "");
  EXPECT_EQ(input_error_of([&] { read_yaml_file(path("empty.yaml")); }),
            path("empty.yaml").string() + ": is empty; write at least one key");
}

TEST_F(YamlFile, that_is_far_too_long_is_not_even_opened) {
  put("long.yaml", "");
  std::filesystem::resize_file(path("long.yaml"), (16U << 20U) + 1);
  EXPECT_THAT(input_error_of([&] { read_yaml_file(path("long.yaml")); }),
              HasSubstr("is 16777217 bytes long"));
}

// Holds the writing end of a named pipe in a thread of its own.
class YamlPipe : public YamlFile {
 protected:
  // Makes the pipe. The writer calls `more` for text to write, until that is empty or the reader
  // has gone away.
  void feed(const std::function<std::string()>& more) {
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    writer_ = std::thread([this, more] {
      const int pipe = ::open(path("pipe").c_str(), O_WRONLY);
      for (std::string text = more(); !text.empty(); text = more()) {
        if (::write(pipe, text.data(), text.size()) < 0) {
          break;
        }
      }
      ::close(pipe);
    });
  }

  void SetUp() override {
    YamlFile::SetUp();
    // A reader that goes away is an error of write(), not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
  }

  void TearDown() override {
    if (writer_.joinable()) {
      writer_.join();
    }
    std::signal(SIGPIPE, SIG_DFL);
    YamlFile::TearDown();
  }

 private:
  std::thread writer_;
};

TEST_F(YamlPipe, is_read_to_its_end) {
  std::vector<std::string> parts = {"array: {rows: 16}\n", "# " + std::string(200'000, '-') + "\n",
                                    "clock_mhz: 500\n"};
  std::size_t next = 0;
  feed([&] { return next < parts.size() ? parts[next++] : std::string(); });
  const YamlValue root = read_yaml_file(path("pipe"));
  EXPECT_EQ(root.at("array").at("rows").as_integer(1, 64), 16);
  EXPECT_EQ(input_error_of([&] { (void)root.at("clock_mhz").as_bool(); }),
            path("pipe").string() +
                ": line 3, key 'clock_mhz': must be true or false; write true or false");
}

TEST_F(YamlPipe, that_holds_nothing_is_empty) {
  feed([] { return std::string(); });
  EXPECT_EQ(input_error_of([&] { read_yaml_file(path("pipe")); }),
            path("pipe").string() + ": is empty; write at least one key");
}

TEST_F(YamlPipe, without_an_end_is_refused_and_not_read_for_ever) {
  feed([] { return "# " + std::string(30'000, '-') + "\n"; });
  EXPECT_EQ(input_error_of([&] { read_yaml_file(path("pipe")); }),
            path("pipe").string() +
                ": holds more than 16 MiB, too much for a YAML file here; name a YAML file of at "
                "most 16 MiB");
}

TEST_F(YamlPipe, of_exactly_the_largest_size_is_read) {
  std::size_t left = std::size_t{16} << 20U;
  feed([&] {
    std::string part(std::min(left, std::size_t{1} << 20U), ']');
    left -= part.size();
    return part;
  });
  // What is wrong with it is its first character, not its length.
  EXPECT_THAT(input_error_of([&] { read_yaml_file(path("pipe")); }),
              AllOf(StartsWith(path("pipe").string() + ": line 1: "),
                    HasSubstr("; mend the YAML syntax there")));
}

TEST_F(YamlFile, every_message_is_one_line) {
  put("odd.yaml", "\"a\\nb\": 1\n");
  EXPECT_THAT(input_error_of([&] { read_yaml_file(path("odd.yaml")).allow_only({"a"}); }),
              Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace potomac
