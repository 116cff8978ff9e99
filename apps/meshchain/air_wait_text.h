#pragma once
// What a person is told whose payment or alarm waits for the air.

#include <string>

#include "host/json.h"
#include "meshchain/command.h"

namespace meshchain::app {

/// "Waits 3 min 5 s for air (radio 1: the hour's airtime is used up)."; empty: it does not wait.
std::string air_wait_text(const host::Json& answer);
/// The same on stderr, for a command that goes on to wait itself.
void tell_air_wait(const Context& context, const host::Json& answer);

}  // namespace meshchain::app
