# Run by `cmake --install`: the systemd unit, with the path of the program in it.
cmake_policy(VERSION 3.25)
set(MESHCHAIN_PROGRAM "${CMAKE_INSTALL_PREFIX}/${BIN_FOLDER}/meshchain")
configure_file(${SOURCE_FOLDER}/cmake/meshchain.service.in ${BUILD_FOLDER}/meshchain.service @ONLY)
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" TYPE FILE
     FILES ${BUILD_FOLDER}/meshchain.service)
