# Standard headers that most files read, compiled once: reading them anew takes each file about a second.
# Files for one instruction set do without: no inline function that is compiled for it may reach another file.
set(lathe_precompiled_headers
    <algorithm> <array> <charconv> <chrono> <cmath> <cstdint> <cstring> <functional> <limits> <map> <memory>
    <optional> <span> <string> <string_view> <utility> <vector>)

# lathe_precompiled(NAME HEADER...): these and more, for the targets that lathe_precompile names.
function(lathe_precompiled name)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/generated/${name}.cc)
  target_link_libraries(${name} PRIVATE Threads::Threads)  # as those that read it: options must agree
  target_precompile_headers(${name} PRIVATE ${lathe_precompiled_headers} ${ARGN})
endfunction()

function(lathe_precompile target name)
  target_precompile_headers(${target} REUSE_FROM ${name})
  # g++ 12 is wrong about what std::string copies (GCC bugs 105329 and 105651), more often behind such headers.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endfunction()

# Lets ccache read a file as the compiler sees it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
endif()

lathe_precompiled(lathe_standard)
