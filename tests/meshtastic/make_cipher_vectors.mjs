// Writes tests/vectors/meshtastic_cipher.txt with Node's own ciphers: `node make_cipher_vectors.mjs`.
// A line: name, key or secrets, sender, id, content, what goes on the air.
import crypto from "node:crypto";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const rising = (start, count) => Buffer.from(Array.from({ length: count }, (_, i) => (start + i) & 255));
const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const from = 0x0a0b0c0d, id = 0x01020304, extra = 0x55667788;

console.log("# Made by tests/meshtastic/make_cipher_vectors.mjs: the rules of Meshtastic 2.7.26.");
for (const bits of [128, 256]) {
  const key = rising(0x10, bits / 8);
  const iv = Buffer.concat([u32(id), u32(0), u32(from), u32(0)]);
  const cipher = crypto.createCipheriv(`aes-${bits}-ctr`, key, iv);
  const content = rising(1, 40);
  console.log(`channel${bits}`, hex(key), from.toString(16), id.toString(16), hex(content),
              hex(cipher.update(content)));
}
const keyOf = (secret) => crypto.createPrivateKey({ format: "der", type: "pkcs8",
  key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]) });
const ours = rising(0x30, 32), theirs = rising(0x70, 32);
const shared = crypto.diffieHellman({ privateKey: keyOf(ours),
                                      publicKey: crypto.createPublicKey(keyOf(theirs)) });
const key = crypto.createHash("sha256").update(shared).digest();
const nonce = Buffer.concat([u32(id), u32(extra), u32(from), Buffer.alloc(1)]);
const cipher = crypto.createCipheriv("aes-256-ccm", key, nonce, { authTagLength: 8 });
const content = rising(1, 21);
const sealed = cipher.update(content);
cipher.final();
console.log("direct", hex(ours) + ":" + hex(theirs), from.toString(16), id.toString(16),
            hex(content), hex(Buffer.concat([sealed, cipher.getAuthTag(), u32(extra)])));
