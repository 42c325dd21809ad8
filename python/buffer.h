// The memory of a Python object: a numpy array, a memoryview, whatever offers the buffer protocol. No header of numpy
// is needed for it, so one build serves every version of numpy.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>

namespace attar::python {

/// Whether the memory is read or filled.
enum class Access : std::uint8_t { read, write };

/// C-contiguous memory seen as elements of T, held while this lives. Made and destroyed under the GIL; the span may be
/// used without it.
template <class T, Access access = Access::read>
class Buffer {
 public:
  /// Throws BufferError where the memory is not contiguous or is read-only, TypeError where elements have another size.
  explicit Buffer(pybind11::handle object) {
    const int flags = access == Access::write ? PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE : PyBUF_C_CONTIGUOUS;
    if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw pybind11::error_already_set();
    if (view_.itemsize == static_cast<Py_ssize_t>(sizeof(T))) return;
    PyBuffer_Release(&view_);
    throw pybind11::type_error("the elements of the buffer have another size than expected");
  }
  ~Buffer() { PyBuffer_Release(&view_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] std::span<T> values() const noexcept {
    return {static_cast<T*>(view_.buf), static_cast<std::size_t>(view_.len) / sizeof(T)};
  }

 private:
  Py_buffer view_ = {};
};

}  // namespace attar::python
