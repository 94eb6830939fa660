#include "sim/cli/workload_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "sim/cli/commands.hpp"
#include "sim/studies/shipped.hpp"
#include "support/error.hpp"

namespace potomac::sim {
namespace {

void bind_dimension(workloads::Dimensions& dimensions, const std::string& option,
                    const std::string& name, std::int64_t extent) {
  if (extent < 1) {
    throw InputError({"", option, fmt::format("'{}' cannot be {}", name, extent),
                      "choose a whole number from 1"});
  }
  if (!dimensions.emplace(name, extent).second) {
    throw InputError({"", option, fmt::format("binds '{}' again", name), "bind it once"});
  }
}

}  // namespace

void add_dimension_options(CLI::App& command, WorkloadArguments& arguments) {
  command
      .add_option("--batch", arguments.batch,
                  "of a model description: how many inputs at once (default: the model's)")
      ->option_text("N");
  command
      .add_option("--length", arguments.length,
                  "of a model description: tokens of a sequence (default: the model's)")
      ->option_text("N");
  command
      .add_option("--dim", arguments.dimensions,
                  "any other dimension of a model description; may be repeated")
      ->option_text("NAME=N")
      ->take_all()
      ->expected(1);
}

void add_workload_options(CLI::App& command, WorkloadArguments& arguments) {
  command
      .add_option("WORKLOAD", arguments.name,
                  "trace (.h5), model description (.yaml), ONNX model (.onnx), SCALE-Sim topology "
                  "(.csv), or the name of a model (potomac models)")
      ->required();
  add_dimension_options(command, arguments);
}

workloads::Dimensions dimensions_of(const WorkloadArguments& arguments) {
  workloads::Dimensions dimensions;
  if (arguments.batch) {
    bind_dimension(dimensions, "--batch", "batch", *arguments.batch);
  }
  if (arguments.length) {
    bind_dimension(dimensions, "--length", "length", *arguments.length);
  }
  for (const std::string& text : arguments.dimensions) {
    const std::size_t equals = text.find('=');
    std::int64_t extent = 0;
    const char* const end = text.data() + text.size();
    const auto read = equals == std::string::npos
                          ? std::from_chars_result{text.data(), std::errc::invalid_argument}
                          : std::from_chars(text.data() + equals + 1, end, extent);
    if (read.ec != std::errc() || read.ptr != end) {
      throw InputError(
          {"", "--dim", fmt::format("'{}' is not NAME=N", text), "write it like length=128"});
    }
    bind_dimension(dimensions, "--dim", text.substr(0, equals), extent);
  }
  return dimensions;
}

std::filesystem::path file_of(const WorkloadArguments& arguments) {
  return workloads::find_workload(arguments.name, shipped_models());
}

}  // namespace potomac::sim
