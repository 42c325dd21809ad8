// Documents: packing, questions in words, and their evaluation.
#pragma once

#include <pybind11/pybind11.h>

#include "attar/artifact.h"

namespace attar::python {

/// The functions of the module, and what an artifact of documents has beside vectors.
void add_documents(pybind11::module_& module, pybind11::class_<Artifact>& artifact);

}  // namespace attar::python
