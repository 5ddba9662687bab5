# lathe_layer(NAME LOWER...): the static library of src/NAME from all its .cc files. It sees the layers LOWER and,
# through them, what they see; a layer that is not listed does not link.
function(lathe_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  add_library(lathe_${name} STATIC ${sources})
  target_include_directories(lathe_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(lathe_${name} PUBLIC Threads::Threads)
  lathe_precompile(lathe_${name} lathe_standard)
  foreach(lower ${ARGN})
    target_link_libraries(lathe_${name} PUBLIC lathe_${lower})
  endforeach()
endfunction()
