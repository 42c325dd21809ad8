// The options that __init__.py gives by name.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>
#include <string>

#include "attar/pack.h"

namespace attar::python {

namespace py = pybind11;

using Path = std::filesystem::path;

/// One of them; TypeError where it is of no use as a T.
template <class T>
T option(const py::dict& given, const char* name) {
  try {
    return given[name].cast<T>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + ": " + std::string(py::repr(given[name])) + " is of a wrong type");
  }
}

/// By their names in PackOptions, all of which are given.
[[nodiscard]] PackOptions pack_options(const py::dict& given);

}  // namespace attar::python
