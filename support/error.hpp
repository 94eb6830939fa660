// The two kinds of failure that reach a user: bad input (exit status 2) and a machine that failed
// (exit status 1). Each is one line: file, place, what is wrong, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace potomac {

// Where a fault lies and what to do about it. `file` may be empty when the input did not come from
// a file; `place` is a line number, a key, a dataset name, ...
struct Fault {
  std::string file;
  std::string place;
  std::string problem;
  std::string remedy;
};

// Joins the parts that are not empty: "file: place: problem; remedy".
std::string describe(const Fault& fault);

// Base of every error that Potomac raises on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A caller had its own work stopped; nothing failed.
class StoppedError : public Error {
 public:
  using Error::Error;
};

// The input is wrong, and the user can mend it. Exit status 2.
class InputError : public Error {
 public:
  explicit InputError(const Fault& fault) : Error(describe(fault)), fault_(fault) {}
  const Fault& fault() const { return fault_; }

 private:
  Fault fault_;
};

// The machine failed: disk full, no permission, out of memory. Exit status 1.
class MachineError : public Error {
 public:
  explicit MachineError(const Fault& fault) : Error(describe(fault)), fault_(fault) {}
  const Fault& fault() const { return fault_; }

 private:
  Fault fault_;
};

}  // namespace potomac
