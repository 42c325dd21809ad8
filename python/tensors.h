// Tensors: what module.cpp binds.
#pragma once

#include <pybind11/pybind11.h>

namespace attar::python {

void add_tensors(pybind11::module_& module);

}  // namespace attar::python
