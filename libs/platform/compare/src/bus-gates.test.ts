import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { BusGates } from "./bus-gates.ts";

const NET = `127.${200 + (process.pid % 50)}.99`;

test("a component that is cut off hears nothing, and everything when it is over; another one notices nothing", async () => {
  const nats = createServer((socket) => socket.pipe(socket));
  nats.listen(4_222, `${NET}.1`);
  await once(nats, "listening");
  const gates = await BusGates.open(["pilot", "galley"], (n) => `${NET}.${10 + n}`, `${NET}.1`);
  assert.deepEqual(gates.addresses, [`pilot=${NET}.10:4222`, `galley=${NET}.11:4222`]);
  const client = (n: number) => {
    const socket = connect(4_222, `${NET}.${n}`);
    const heard = { text: "" };
    socket.on("data", (bytes) => {
      heard.text += bytes;
    });
    return { socket, heard };
  };
  const [pilot, galley] = [client(10), client(11)];
  try {
    pilot.socket.write("a");
    await waitFor("an echo", 5_000, () => pilot.heard.text === "a");
    const over = gates.cut("pilot");
    pilot.socket.write("b");
    const late = client(10);
    late.socket.write("c");
    galley.socket.write("d");
    await waitFor("the other one's echo", 5_000, () => galley.heard.text === "d");
    assert.deepEqual([pilot.heard.text, late.heard.text, pilot.socket.closed], ["a", "", false]);
    over();
    await waitFor("what was held back", 5_000, () => pilot.heard.text === "ab" && late.heard.text === "c");
    late.socket.destroy();
    assert.throws(() => gates.cut("nats"), { code: "invalid_argument" });
  } finally {
    pilot.socket.destroy();
    galley.socket.destroy();
    gates.close();
    nats.close();
  }
});
