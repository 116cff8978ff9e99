// Writes tests/vectors/meshtastic.txt with the official package, which is not shipped and not
// needed to run the tests:
//
//     npm install --ignore-scripts @meshtastic/protobufs@2.7.18 @bufbuild/protobuf
//     node make_vectors.mjs > meshtastic.txt
//
// A line is a name and the bytes; mesh_packet_test.cpp and stream_message_test.cpp hold the same
// values and must decode and encode exactly these bytes.
import { create, toBinary } from "@bufbuild/protobuf";
import { Mesh, Mqtt, Telemetry, Config, Channel } from "@meshtastic/protobufs";

const bytes = (start, count) => Uint8Array.from({ length: count }, (_, i) => (start + i) & 255);
const line = (name, schema, value) =>
  console.log(name, Buffer.from(toBinary(schema, create(schema, value))).toString("hex"));

console.log("# Made by tests/meshtastic/make_vectors.mjs with @meshtastic/protobufs 2.7.18.");
const data = { portnum: 300, payload: bytes(1, 5), wantResponse: true, dest: 9, source: 8,
               requestId: 7, replyId: 6, bitfield: 3 };
line("data", Mesh.DataSchema, data);
line("data_without_bitfield", Mesh.DataSchema, { portnum: 1, payload: bytes(0x61, 3) });
const encrypted = { from: 0x0a0b0c0d, to: 0xffffffff, channel: 8, id: 0x01020304, hopLimit: 3,
                    hopStart: 5, wantAck: true, rxTime: 1700000000, rxSnr: 6.25, rxRssi: -91,
                    viaMqtt: true,
                    payloadVariant: { case: "encrypted", value: bytes(0x40, 20) } };
line("packet_encrypted", Mesh.MeshPacketSchema, encrypted);
const clear = { from: 1, to: 2, channel: 1, id: 3, hopLimit: 7, hopStart: 7,
                pkiEncrypted: true, publicKey: bytes(0x80, 32),
                payloadVariant: { case: "decoded", value: create(Mesh.DataSchema, data) } };
line("packet_decoded", Mesh.MeshPacketSchema, clear);
line("envelope", Mqtt.ServiceEnvelopeSchema, {
  packet: create(Mesh.MeshPacketSchema, encrypted), channelId: "LongFast", gatewayId: "!0a0b0c0d" });
const user = { id: "!0a0b0c0d", longName: "MeshChain node", shortName: "MC01", hwModel: 255,
               role: 1, publicKey: bytes(0x20, 32) };
line("user", Mesh.UserSchema, user);
line("routing_ack", Mesh.RoutingSchema, { variant: { case: "errorReason", value: 0 } });
line("routing_too_large", Mesh.RoutingSchema, { variant: { case: "errorReason", value: 7 } });
const metrics = { channelUtilization: 12.5, airUtilTx: 0.75 };
line("telemetry", Telemetry.TelemetrySchema, { variant: { case: "deviceMetrics",
  value: create(Telemetry.DeviceMetricsSchema, metrics) } });
line("telemetry_with_unknown_fields", Telemetry.TelemetrySchema, { time: 5,
  variant: { case: "deviceMetrics", value: create(Telemetry.DeviceMetricsSchema,
    { batteryLevel: 90, voltage: 4.1, ...metrics, uptimeSeconds: 77 }) } });

const to = (name, variant) => line(name, Mesh.ToRadioSchema, { payloadVariant: variant });
to("to_packet", { case: "packet", value: create(Mesh.MeshPacketSchema, clear) });
to("to_want_config", { case: "wantConfigId", value: 12345 });
to("to_disconnect", { case: "disconnect", value: true });
to("to_heartbeat", { case: "heartbeat", value: create(Mesh.HeartbeatSchema, { nonce: 4 }) });
const from = (name, variant, id = 9) =>
  line(name, Mesh.FromRadioSchema, { id, payloadVariant: variant });
from("from_packet", { case: "packet", value: create(Mesh.MeshPacketSchema, clear) });
from("from_my_info", { case: "myInfo", value: create(Mesh.MyNodeInfoSchema, { myNodeNum: 77 }) });
from("from_node_info", { case: "nodeInfo", value: create(Mesh.NodeInfoSchema, {
  num: 0x0a0b0c0d, user: create(Mesh.UserSchema, user), snr: -3.5, lastHeard: 1700000000,
  deviceMetrics: create(Telemetry.DeviceMetricsSchema, metrics), channel: 1, viaMqtt: true,
  hopsAway: 2 }) });
from("from_lora_config", { case: "config", value: create(Config.ConfigSchema, { payloadVariant: {
  case: "lora", value: create(Config.Config_LoRaConfigSchema, { usePreset: true, modemPreset: 8,
    bandwidth: 250, spreadFactor: 11, codingRate: 5, region: 3, hopLimit: 3,
    txEnabled: true }) } }) });
from("from_other_config", { case: "config", value: create(Config.ConfigSchema, { payloadVariant: {
  case: "power", value: create(Config.Config_PowerConfigSchema, { lsSecs: 9 }) } }) });
from("from_config_complete", { case: "configCompleteId", value: 12345 });
from("from_rebooted", { case: "rebooted", value: true });
from("from_channel", { case: "channel", value: create(Channel.ChannelSchema, { index: 1, role: 2,
  settings: create(Channel.ChannelSettingsSchema, { psk: bytes(1, 16), name: "village",
    uplinkEnabled: true, downlinkEnabled: true }) }) });
from("from_queue_status", { case: "queueStatus", value: create(Mesh.QueueStatusSchema, {
  res: 32, free: 12, maxlen: 16, meshPacketId: 0x01020304 }) });
from("from_log_record", { case: "logRecord", value: create(Mesh.LogRecordSchema, {
  message: "radio: hello" }) });
