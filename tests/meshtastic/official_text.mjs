// Meshtastic's official JavaScript client at a radio: prints every text message that it shows, as one
// line of JSON. Run by official_mirror.py; ends when it is ended.
//
//     node official_text.mjs 127.0.0.1:4403
import { webcrypto } from "node:crypto";
globalThis.crypto ??= webcrypto;  // Node 18 lacks it, and the client expects a browser's
const { MeshDevice } = await import("@meshtastic/core");
const { TransportNode } = await import("@meshtastic/transport-node");

const CONFIGURED = 7;  // Types.DeviceStatusEnum.DeviceConfigured
const [host, port] = process.argv[2].split(":");
const device = new MeshDevice(await TransportNode.create(host, Number(port)));
device.log.settings.minLevel = 7;
device.events.onMessagePacket.subscribe((text) =>
  console.log(JSON.stringify({ text: text.data, channel: text.channel, type: text.type })));
device.events.onDeviceStatus.subscribe((status) => {
  if (status === CONFIGURED) console.log(JSON.stringify({ ready: true }));
});
device.configure().catch(() => {});  // it waits for an answer that radios do not give
