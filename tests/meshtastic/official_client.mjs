// Meshtastic's official JavaScript client at two radios of `meshchain radio simulate`: it must accept
// their settings, and what it sends at one must arrive at the other. Run by official_client.py, which
// fetches the client (GPL, in a process of its own and never shipped):
//
//     node official_client.mjs 127.0.0.1:4403 127.0.0.1:4404
//
// Needs Node 18, as Debian 12 has it.
import { webcrypto } from "node:crypto";
globalThis.crypto ??= webcrypto;  // Node 18 lacks it, and the client expects a browser's
const { MeshDevice } = await import("@meshtastic/core");
const { TransportNode } = await import("@meshtastic/transport-node");

const DEADLINE_MS = 60_000;
const CONFIGURED = 7;  // Types.DeviceStatusEnum.DeviceConfigured
const PRIVATE_PORT = 258, TOO_LARGE = 7;

setTimeout(() => fail("it took too long"), DEADLINE_MS).unref();
process.on("unhandledRejection", (reason) => fail(reason?.stack ?? JSON.stringify(reason)));

function fail(why) {
  console.error(`official client: ${why}`);
  process.exit(1);
}
const check = (is, what) => is || fail(`not as expected: ${what}`);

/// Resolves with the first value that `event` brings and `is` accepts.
const first = (event, is = () => true) =>
  new Promise((resolve) => event.subscribe((value) => is(value) && resolve(value)));

/// A client at a radio, and what that said before the client had its settings.
async function open(address) {
  const [host, port] = address.split(":");
  const device = new MeshDevice(await TransportNode.create(host, Number(port)));
  device.log.settings.minLevel = 7;  // it calls private ports errors
  const said = { channels: [], configs: [] };
  device.events.onMyNodeInfo.subscribe((info) => (said.number = info.myNodeNum));
  device.events.onUserPacket.subscribe((user) => (said.user ??= user.data));
  device.events.onChannelPacket.subscribe((channel) => said.channels.push(channel));
  device.events.onConfigPacket.subscribe((config) => said.configs.push(config));
  device.events.onDeviceMetadataPacket.subscribe((metadata) => (said.metadata = metadata.data));
  const configured = first(device.events.onDeviceStatus, (status) => status === CONFIGURED);
  device.configure().catch(() => {});  // it waits for an answer that radios do not give
  await configured;
  return { device, said };
}

const [here, there] = await Promise.all(process.argv.slice(2, 4).map(open));
for (const { said } of [here, there]) {
  const hex = said.number.toString(16).padStart(8, "0");
  check(said.user?.id === `!${hex}`, `the radio's own name, ${said.user?.id}`);
  check(said.channels[0]?.role === 1, "a primary channel");
  check(said.channels[1]?.settings.name === "village", "the second channel");
  const lora = said.configs.find((config) => config.payloadVariant.case === "lora");
  check(lora?.payloadVariant.value.modemPreset === 8, "SHORT_TURBO");
  check(said.metadata?.firmwareVersion.startsWith("2.7"), "firmware");
}
console.log("configured: my_info, user, metadata, channels and LoRa settings");

const rising = (count) => Uint8Array.from({ length: count }, (_, i) => i % 128);

/// Sends on our private port and resolves with what happens.
async function sendPrivate(bytes, at) {
  const heard = first(there.device.events.onMeshPacket, (packet) =>
    packet.payloadVariant.value.portnum === PRIVATE_PORT);
  const acknowledged = here.device.sendPacket(bytes, PRIVATE_PORT, at, 1, true, false);
  return { packet: await heard, id: await acknowledged };
}
const broadcast = await sendPrivate(rising(231), "broadcast");
check(broadcast.packet.from === here.said.number, "sender");
check(broadcast.packet.id === broadcast.id, "id");
check(broadcast.packet.channel === 1, "channel");
check(Buffer.from(rising(231)).equals(broadcast.packet.payloadVariant.value.payload), "payload");
console.log("231 bytes on port 258 arrived, and somebody was heard to pass them on");

const direct = await sendPrivate(rising(20), there.said.number);
check(direct.packet.to === there.said.number, "receiver");
console.log("a packet for one node arrived and was acknowledged");

const text = first(there.device.events.onMessagePacket);
here.device.sendText("Grüße über den Berg", "broadcast", true, 0).catch(() => {});
check((await text).data === "Grüße über den Berg", "text");
console.log("a text message arrived");

const refusal = await here.device.sendPacket(rising(232), PRIVATE_PORT, "broadcast", 1)
  .then(() => fail("232 bytes were sent"), (error) => error);
check(refusal.error === TOO_LARGE, `refusal ${JSON.stringify(refusal)}`);
console.log("232 bytes were refused as too large");

const configuredAnew = first(here.device.events.onDeviceStatus, (status) => status === CONFIGURED);
here.device.reboot(0).catch(() => {});
await configuredAnew;
console.log("it started anew, and was configured again");
process.exit(0);
