#pragma once
// The one way up: mesh hands each accepted frame to the node and acts on the verdict at once.

#include "base/bytes.h"
#include "base/time.h"
#include "wire/service.h"

namespace meshchain::mesh {

class FrameHandler {
public:
    virtual ~FrameHandler() = default;
    /// `payload` is an object's bytes or a control message's body, borrowed for the call. Size,
    /// rate and session are checked; of control messages also origin, sequence and signature.
    /// May call Mesh::send(), and none of Mesh's handle_ functions.
    virtual wire::Verdict handle_frame(base::Now now, const wire::Ingress& from,
                                       wire::MessageType type, base::Bytes payload) = 0;
    /// An object that was here before was heard on the air again.
    virtual void handle_repeat(base::Now, wire::MessageType, base::Bytes) {}
};

}  // namespace meshchain::mesh
