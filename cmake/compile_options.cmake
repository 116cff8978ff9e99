# Flags that every target shares, and the stricter set of floors 0-5.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                    -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Werror
                    -fno-omit-frame-pointer -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside its own library when it inlines under -O2 or a sanitizer.
  add_compile_options(-Wno-maybe-uninitialized -Wno-null-dereference -Wno-restrict
                      -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
else()
  # The same library's stable algorithms use a buffer that C++23 deprecates.
  add_compile_options(-Wno-deprecated-declarations)
endif()

if(MESHCHAIN_SANITIZE)
  add_compile_options(-fsanitize=${MESHCHAIN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MESHCHAIN_SANITIZE})
  if(MESHCHAIN_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)  # needs RTTI, which floors 0-5 do without
  endif()
  if(MESHCHAIN_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # asio's fences, which it does without on one thread
  endif()
endif()

# Floors 0-5 run on a microcontroller too: no exceptions, no RTTI.
set(MESHCHAIN_CORE_OPTIONS -fno-exceptions -fno-rtti)

# Tests are compiled quickly: what they try is in the libraries, which get the flags of their build.
# UBSan's checks make a file that is mostly assertions take twice as long.
set(MESHCHAIN_TEST_OPTIMIZATION -O0 CACHE STRING "Of test sources; -O2 pays where they run long")
set(MESHCHAIN_TEST_OPTIONS ${MESHCHAIN_TEST_OPTIMIZATION})
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND MESHCHAIN_TEST_OPTIONS -fpch-preprocess)  # lets ccache see what was precompiled
else()
  list(APPEND MESHCHAIN_TEST_OPTIONS "SHELL:-Xclang -fno-pch-timestamp")  # the same for ccache
endif()
if(MESHCHAIN_SANITIZE MATCHES "undefined")
  list(APPEND MESHCHAIN_TEST_OPTIONS -fno-sanitize=undefined)
endif()
