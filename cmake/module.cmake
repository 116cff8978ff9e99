# mesh_module(NAME [CORE] [DEPENDS modules...] [LIBS libraries...] [APART files...])
#
# Makes the static library meshchain_<NAME> of the folder it is called in, its test program
# <NAME>_test from *_test.cpp and what these share in test_*.cpp, and a program for every
# *_fuzz.cpp. CORE is for floors 0-5. APART names files that are never compiled together with
# others (MESHCHAIN_JOIN), because they share a name in their unnamed namespaces.
function(mesh_module NAME)
  cmake_parse_arguments(ARG "CORE" "" "DEPENDS;LIBS;APART" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cpp test_*.cpp)
  file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.cpp)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  if(fuzzers)
    list(REMOVE_ITEM sources ${fuzzers})
  endif()

  set(library meshchain_${NAME})
  list(TRANSFORM ARG_DEPENDS PREPEND meshchain_ OUTPUT_VARIABLE dependencies)
  if(sources)
    add_library(${library} STATIC ${sources})
    set(scope PUBLIC)
    if(ARG_CORE)
      target_compile_options(${library} PRIVATE ${MESHCHAIN_CORE_OPTIONS})
    endif()
  else()
    add_library(${library} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${library} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${library} ${scope} ${dependencies} ${ARG_LIBS})
  if(sources)
    mesh_instrument(${library} ${ARG_APART})
  endif()

  set_property(GLOBAL APPEND PROPERTY MESHCHAIN_MODULES ${library})
  set_property(GLOBAL APPEND PROPERTY MESHCHAIN_LIBRARIES ${ARG_LIBS})

  if(MESHCHAIN_TESTS AND tests)
    mesh_test(${NAME}_test SOURCES ${tests} LIBS ${library})
  endif()
  foreach(fuzzer IN LISTS fuzzers)
    mesh_fuzzer(${fuzzer} ${library})
  endforeach()
endfunction()

# mesh_instrument(TARGET [APART files...]): what instrumented builds do to what we ship. Joining
# sources halves the time they take to compile; see docs/decisions/0105-instrumented-build.md.
function(mesh_instrument TARGET)
  if(MESHCHAIN_FUZZ)
    # Coverage of the libraries, not of the fuzzer's own file alone, is what guides libFuzzer.
    target_compile_options(${TARGET} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(MESHCHAIN_JOIN)
    set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    # Names of another file, and g++'s belief that only a main file may use its unnamed namespace.
    target_compile_options(${TARGET} PRIVATE -Wno-shadow
                           $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# What nearly every test includes, compiled once for all programs of tests.
function(mesh_test_headers)
  if(TARGET meshchain_test_headers)
    return()
  endif()
  file(WRITE ${PROJECT_BINARY_DIR}/generated/test_headers.cpp "")
  add_library(meshchain_test_headers STATIC ${PROJECT_BINARY_DIR}/generated/test_headers.cpp)
  target_link_libraries(meshchain_test_headers PRIVATE GTest::gmock)
  target_compile_options(meshchain_test_headers PRIVATE ${MESHCHAIN_TEST_OPTIONS})
  target_precompile_headers(meshchain_test_headers PRIVATE <gtest/gtest.h> <array> <deque>
                            <expected> <functional> <map> <memory> <optional> <set> <span>
                            <string> <vector>)
endfunction()

# mesh_test(NAME SOURCES files... LIBS libraries...): a GoogleTest program, each test known to ctest
# under the label NAME. How long one may take is the caller's: `make` passes --timeout to ctest.
function(mesh_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  mesh_test_headers()
  add_executable(${NAME} ${ARG_SOURCES})
  target_compile_options(${NAME} PRIVATE ${MESHCHAIN_TEST_OPTIONS})
  target_precompile_headers(${NAME} REUSE_FROM meshchain_test_headers)
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${NAME} PRIVATE ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${NAME})
endfunction()

# mesh_fuzzer(FILE LIBRARY): FILE defines LLVMFuzzerTestOneInput. With MESHCHAIN_FUZZ it is linked
# to libFuzzer; otherwise to a driver that replays tests/corpus/<name> and seeded mutations of it.
if(MESHCHAIN_FUZZ)
  add_custom_target(meshchain_fuzzers)
endif()
function(mesh_fuzzer FILE LIBRARY)
  cmake_path(GET FILE STEM name)
  set(corpus ${PROJECT_SOURCE_DIR}/tests/corpus/${name})
  if(MESHCHAIN_FUZZ)
    add_executable(${name} ${FILE})
    add_dependencies(meshchain_fuzzers ${name})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  elseif(MESHCHAIN_TESTS)
    add_executable(${name} ${FILE} ${PROJECT_SOURCE_DIR}/tests/fuzz_replay.cpp)
    add_test(NAME fuzz.${name} COMMAND ${name} ${corpus})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120)
  else()
    return()
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${LIBRARY})
endfunction()
