// Exporting tensors, as _export.py wraps it.
#pragma once

#include <pybind11/pybind11.h>

namespace attar::python {

void add_export(pybind11::module_& module);

}  // namespace attar::python
