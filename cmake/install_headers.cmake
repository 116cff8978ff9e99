# Run by `cmake --install`: installs the public headers of libmeshchain, and whatever these include.
# In INCLUDE_FOLDER of the prefix, so that includes read as they do here: "node/node.h".
cmake_policy(VERSION 3.25)

# What a program that embeds a node starts from; docs/guide/embedding.md says what for.
set(public
    host/embedded_node.h host/message_inbox.h host/local_chain.h  # a node in another program
    host/node_setup.h host/node_keys.h host/file.h                # filling its folder
    host/event_inbox.h host/thread_safe_queue.h host/thread_safe_cache.h
    node/node.h node/tables.h wire/service.h mesh/ip_frames.h  # a node under a loop of one's own
    host/argon2_kdf.h host/system_entropy.h host/system_wall_clock.h host/udp_link.h
    kv/memory_store.h
    ledger/genesis.h wallet/address.h wallet/opened_key_file.h crypto/identity.h crypto/seal.h
    wire/sync.h runtime/event_loop.h)

set(all)
while(public)
  list(POP_FRONT public header)
  if(header IN_LIST all)
    continue()
  endif()
  list(APPEND all ${header})
  file(STRINGS ${SOURCE_FOLDER}/src/${header} lines REGEX "^#include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
    list(APPEND public ${included})
  endforeach()
endwhile()
foreach(header IN LISTS all)
  cmake_path(GET header PARENT_PATH module)
  file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${INCLUDE_FOLDER}/${module}" TYPE FILE
       FILES ${SOURCE_FOLDER}/src/${header})
endforeach()
