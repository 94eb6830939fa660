#include "sim/reports/accelergy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <string_view>

#include "sim/results/pricing.hpp"

namespace potomac::sim {
namespace {

using energy::Charge;

// A number that readers of YAML 1.1 take for one: with a point before an exponent.
std::string yaml_number(double value) {
  std::string text = fmt::format("{}", value);
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

// The charges of a component, which lie anywhere in the list.
struct Component {
  std::string_view name;
  std::vector<const Charge*> charges;
};

std::vector<Component> components_of(std::span<const Charge> charges) {
  std::vector<Component> components;
  for (const Charge& charge : charges) {
    auto found = std::ranges::find(components, charge.component, &Component::name);
    if (found == components.end()) {
      components.push_back({charge.component, {}});
      found = components.end() - 1;
    }
    found->charges.push_back(&charge);
  }
  return components;
}

std::string head_of(const Machine& machine, const energy::UnitEnergyTable& table,
                    const energy::Accounting& accounting) {
  return fmt::format("# Potomac: machine {}, table {} (node: {}), accounting {}; energies in pJ\n",
                     machine.id, table.name(), table.node(), accounting.name());
}

std::string action_counts(std::span<const Component> components, ArrayShape array) {
  std::string text =
      "action_counts:\n  version: 0.2\n  subtree:\n    - name: potomac\n      local:\n";
  for (const Component& component : components) {
    // A list of components in these files: its counts are of all of them together.
    const std::string index =
        component.name == "pe" ? fmt::format("[0..{}]", array.pes() - 1) : std::string();
    text +=
        fmt::format("        - name: \"{}{}\"\n          action_counts:\n", component.name, index);
    for (const Charge* const charge : component.charges) {
      text += fmt::format("            - name: {}\n", charge->action);
      if (charge->bits != 0) {
        text += fmt::format("              arguments: {{bits: {}}}\n", charge->bits);
      }
      text += fmt::format("              counts: {}\n", yaml_number(charge->count));
    }
  }
  return text;
}

std::string reference_table(std::span<const Component> components) {
  std::string text = "ERT:\n  version: 0.3\n  tables:\n";
  for (const Component& component : components) {
    text += fmt::format("    - name: potomac.{}\n      actions:\n", component.name);
    for (const Charge* const charge : component.charges) {
      text += fmt::format(
          "        - name: {}\n          arguments: {}\n          energy: {}\n", charge->action,
          charge->bits != 0 ? fmt::format("{{bits: {}}}", charge->bits) : std::string("null"),
          yaml_number(charge->unit_pj));
    }
  }
  return text;
}

}  // namespace

std::vector<NamedContent> accelergy_files(const RunResult& run,
                                          const energy::UnitEnergyTable& table,
                                          const energy::Accounting& accounting,
                                          const std::filesystem::path& folder) {
  std::vector<std::size_t> order(run.passes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<NamedContent> files;
  for (std::size_t i = 0; i < run.machines.size(); ++i) {
    const Machine& machine = run.machines[i];
    if (!is_priceable(table, machine)) {
      continue;
    }
    const std::vector<Charge> charges =
        energy::charges_of(accounting, table, work_of(run, i), order);
    const std::vector<Component> components = components_of(charges);
    const std::string head = head_of(machine, table, accounting);
    files.push_back({folder / machine.id / "action_counts.yaml",
                     head + action_counts(components, machine.array)});
    files.push_back({folder / machine.id / "ERT.yaml", head + reference_table(components)});
  }
  return files;
}

}  // namespace potomac::sim
