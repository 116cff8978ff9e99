# What `cmake --install` puts where. Component `development`: the library, its headers, its package
# for CMake and for pkg-config. Component `runtime`: the program, its manual page and completions,
# the systemd unit. Why one archive: docs/decisions/0080-one-static-library.md

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Every library that a module is linked with, by its name at pkg-config. Debian's packages bring one
# for each; tools/install_dependencies.sh lists the packages.
set(MESHCHAIN_PKG_CONFIG_OF_sodium libsodium)
set(MESHCHAIN_PKG_CONFIG_OF_hwy libhwy)
set(MESHCHAIN_PKG_CONFIG_OF_sqlite3 sqlite3)
set(MESHCHAIN_PKG_CONFIG_OF_spdlog spdlog)
set(MESHCHAIN_PKG_CONFIG_OF_fmt fmt)
set(MESHCHAIN_PKG_CONFIG_OF_ssl openssl)
set(MESHCHAIN_PKG_CONFIG_OF_crypto openssl)
set(MESHCHAIN_PKG_CONFIG_OF_qrencode libqrencode)
set(MESHCHAIN_PKG_CONFIG_OF_utf8proc libutf8proc)
set(MESHCHAIN_PKG_CONFIG_OF_mosquitto libmosquitto)
set(MESHCHAIN_PKG_CONFIG_OF_prometheus-cpp-core prometheus-cpp-core)
# Of these Debian's packages tell pkg-config nothing.
set(plain protobuf-nanopb)

get_property(modules GLOBAL PROPERTY MESHCHAIN_MODULES)
get_property(libraries GLOBAL PROPERTY MESHCHAIN_LIBRARIES)
list(REMOVE_DUPLICATES libraries)
list(REMOVE_ITEM libraries pthread)
list(TRANSFORM plain PREPEND -l OUTPUT_VARIABLE MESHCHAIN_PLAIN)
list(JOIN MESHCHAIN_PLAIN " " MESHCHAIN_PLAIN)
foreach(library IN LISTS libraries)
  if(library IN_LIST plain)
    continue()
  endif()
  if(NOT MESHCHAIN_PKG_CONFIG_OF_${library})
    message(FATAL_ERROR "cmake/install.cmake does not know ${library} at pkg-config: add it there, "
                        "or no installed libmeshchain can be linked")
  endif()
  list(APPEND required ${MESHCHAIN_PKG_CONFIG_OF_${library}})
endforeach()
list(REMOVE_DUPLICATES required)
list(JOIN required " " MESHCHAIN_REQUIRED)

set(objects)
foreach(module IN LISTS modules)
  get_target_property(type ${module} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    list(APPEND objects $<TARGET_OBJECTS:${module}>)
  endif()
endforeach()

set(generated ${PROJECT_BINARY_DIR}/generated)
configure_file(cmake/version.h.in ${generated}/meshchain/version.h @ONLY)

add_library(meshchain_library STATIC ${objects})
set_target_properties(meshchain_library PROPERTIES
  OUTPUT_NAME meshchain EXPORT_NAME meshchain LINKER_LANGUAGE CXX)
target_compile_features(meshchain_library PUBLIC cxx_std_23)
target_include_directories(meshchain_library INTERFACE
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/meshchain>)
target_link_libraries(meshchain_library INTERFACE
  $<INSTALL_INTERFACE:PkgConfig::MESHCHAIN_REQUIRED> $<INSTALL_INTERFACE:Threads::Threads>
  "$<INSTALL_INTERFACE:${plain}>")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/meshchain)
install(TARGETS meshchain_library EXPORT meshchainTargets COMPONENT development)
install(EXPORT meshchainTargets NAMESPACE meshchain:: DESTINATION ${package}
        COMPONENT development)
configure_package_config_file(cmake/meshchainConfig.cmake.in ${generated}/meshchainConfig.cmake
                              INSTALL_DESTINATION ${package})
# Until 1.0 a minor version may change the interface.
write_basic_package_version_file(${generated}/meshchainConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/meshchainConfig.cmake ${generated}/meshchainConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)
file(RELATIVE_PATH MESHCHAIN_PREFIX_FROM_PC
     /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/meshchain.pc.in ${generated}/meshchain.pc @ONLY)
install(FILES ${generated}/meshchain.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
install(FILES ${generated}/meshchain/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/meshchain
        COMPONENT development)
install(CODE "set(SOURCE_FOLDER \"${PROJECT_SOURCE_DIR}\")
set(INCLUDE_FOLDER \"${CMAKE_INSTALL_INCLUDEDIR}/meshchain\")" COMPONENT development)
install(SCRIPT cmake/install_headers.cmake COMPONENT development)

# The program. Its page and completions are there once target meshchain_docs has made them.
install(DIRECTORY ${PROJECT_BINARY_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR} OPTIONAL
        COMPONENT runtime)
install(CODE "set(SOURCE_FOLDER \"${PROJECT_SOURCE_DIR}\")
set(BUILD_FOLDER \"${generated}\")
set(BIN_FOLDER \"${CMAKE_INSTALL_BINDIR}\")" COMPONENT runtime)
install(SCRIPT cmake/install_unit.cmake COMPONENT runtime)
