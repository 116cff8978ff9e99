// Writes tests/vectors/meshtastic_mqtt.txt: whole envelopes as a gateway publishes them, by the
// official package and Node's own cipher. As in make_vectors.mjs:
//
//     npm install --ignore-scripts @meshtastic/protobufs@2.7.18 @bufbuild/protobuf
//     node make_mqtt_vectors.mjs > meshtastic_mqtt.txt
//
// A line is a name and the bytes; virtual_radio_aes_test.cpp has the same settings.
import crypto from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { Mesh, Mqtt } from "@meshtastic/protobufs";

const rising = (start, count) => Uint8Array.from({ length: count }, (_, i) => (start + i) & 255);
const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const crc32 = (bytes) => {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
};
const channel = "village", key = rising(1, 16), publicKey = rising(0x20, 32);
const hash = [...Buffer.from(channel), ...key].reduce((sum, byte) => sum ^ byte, 0);
const node = crc32(publicKey), name = "!" + node.toString(16).padStart(8, "0");

const line = (title, from, id, to, data) => {
  const clear = toBinary(Mesh.DataSchema, create(Mesh.DataSchema, data));
  const iv = Buffer.concat([u32(id), u32(0), u32(from), u32(0)]);
  const sealed = crypto.createCipheriv("aes-128-ctr", key, iv).update(clear);
  const packet = create(Mesh.MeshPacketSchema, {
    from, to, channel: hash, id, hopLimit: 3, hopStart: 3,
    payloadVariant: { case: "encrypted", value: new Uint8Array(sealed) } });
  const envelope = { packet, channelId: channel, gatewayId: "!" + from.toString(16).padStart(8, "0") };
  const bytes = toBinary(Mqtt.ServiceEnvelopeSchema, create(Mqtt.ServiceEnvelopeSchema, envelope));
  console.log(title, Buffer.from(bytes).toString("hex"));
};

console.log("# Made by tests/meshtastic/make_mqtt_vectors.mjs with @meshtastic/protobufs 2.7.18.");
const user = { id: name, longName: "MeshChain", shortName: "MC", hwModel: 255, role: 1, publicKey,
               isUnmessagable: true };
line("ours", node, 0x01010101, 0xffffffff, { portnum: 300, payload: rising(1, 20), bitfield: 1 });
line("node_info", node, 0x01010101, 0xffffffff, {
  portnum: 4, payload: toBinary(Mesh.UserSchema, create(Mesh.UserSchema, user)), bitfield: 1 });
line("theirs", 0x0a0b0c0d, 0x11223344, 0xffffffff,
     { portnum: 300, payload: rising(0x61, 10), bitfield: 0 });
line("question", 0x0a0b0c0d, 0x11223355, node, { portnum: 4, wantResponse: true, bitfield: 3 });
