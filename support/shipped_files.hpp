// What ships with Potomac is asked for by its name: a unit-energy table, an architecture, a model.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace potomac {

// One kind of shipped files: NAME.yaml in one of the folders.
struct ShippedFiles {
  std::string kind;  // what messages call one: "energy table"
  std::vector<std::filesystem::path> folders;

  // What has a '/' or ends in .yaml or .yml is a path and is returned as it is, found or not.
  // Anything else is a name: the first folder that holds NAME.yaml counts. Throws InputError that
  // says which name may have been meant, and which there are.
  std::filesystem::path find(std::string_view name_or_path) const;

  // The names that find() knows, sorted. Folders that do not exist hold none.
  std::vector<std::string> names() const;
};

// Files below this folder are looked for too, before all others: whoever is loaded into a program
// that is not ours (Python) says where its own lie. To be called before any thread of ours runs.
void add_shipped_root(std::filesystem::path root);

// The files of an installed program, in share/potomac/`installed` beside it, and those of the
// source tree.
ShippedFiles shipped_files(std::string kind, const std::string& installed,
                           const std::string& in_source);

}  // namespace potomac
