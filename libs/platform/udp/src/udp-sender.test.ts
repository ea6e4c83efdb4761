import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { UdpSender } from "./udp-sender.ts";

const sockets: Socket[] = [];
after(() => {
  for (const each of sockets) each.close();
});

/** A server on a free port, with what it received. */
async function listen(address = "127.0.0.1"): Promise<{ readonly socket: Socket; readonly port: number }> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  sockets.push(socket);
  socket.bind(0, address);
  await once(socket, "listening");
  return { socket, port: socket.address().port };
}

const received = async (socket: Socket): Promise<string> => String((await once(socket, "message"))[0]);
const allowed = (): undefined => undefined;
const loopback = (address: string): string | undefined =>
  address.startsWith("127.") ? `${address} is a loopback address` : undefined;

describe("a sender of datagrams", () => {
  it("sends to an address, and ends when all is on its way", async () => {
    const { socket, port } = await listen();
    const sender = new UdpSender({ host: "127.0.0.1", port, refusal: allowed, failed: assert.fail });
    await sender.start();
    const arrived = received(socket);
    sender.send("a:1|c");
    await sender.close();
    assert.equal(await arrived, "a:1|c");
    sender.send("late");
    assert.equal(sender.lost, 1);
  });

  it("sends to no address that may not be called, whatever a name leads to", async () => {
    const { port } = await listen();
    for (const host of ["127.0.0.1", "localhost.test"]) {
      const errors: Error[] = [];
      const sender = new UdpSender({
        ...{ host, port, refusal: loopback, failed: (error) => void errors.push(error) },
        resolve: () => Promise.resolve(["127.0.0.1"]),
      });
      await assert.rejects(sender.start(), {
        code: "permission_denied",
        message: `${host} may not be called: 127.0.0.1 is a loopback address`,
      });
      sender.send("lost");
      assert.equal(sender.lost, 1);
      assert.equal(errors.length, 1);
      await sender.close();
    }
  });

  it("takes the first address of several that may be called", async () => {
    const { socket, port } = await listen("::1");
    const sender = new UdpSender({
      ...{ host: "collector.test", port, refusal: loopback, failed: assert.fail },
      resolve: () => Promise.resolve(["127.0.0.1", "::1"]),
    });
    await sender.start();
    const arrived = received(socket);
    sender.send("b:2|c");
    assert.equal(await arrived, "b:2|c");
    await sender.close();
  });

  it("starts although a name cannot be looked up, reports it once, and sends when it can; follows a name that moves", async () => {
    const [first, second] = [await listen(), await listen("::1")];
    let answer: readonly string[] | undefined;
    let again: () => void = assert.fail;
    const errors: string[] = [];
    const sender = new UdpSender({
      host: "collector.test",
      port: first.port,
      refusal: (address) => (address === "192.0.2.1" ? "192.0.2.1 is refused" : undefined),
      failed: (error) => void errors.push(error.message),
      resolve: () => (answer ? Promise.resolve(answer) : Promise.reject(new Error("ENOTFOUND"))),
      every: (_ms, work) => {
        again = work;
        return () => undefined;
      },
    });
    const lookUp = async (): Promise<void> => {
      again();
      await new Promise((resolve) => setImmediate(resolve));
    };
    await sender.start();
    await lookUp();
    sender.send("lost");
    assert.deepEqual([errors, sender.lost], [["collector.test cannot be looked up: ENOTFOUND"], 1]);
    answer = ["127.0.0.1"];
    await lookUp();
    let arrived = received(first.socket);
    sender.send("one");
    assert.equal(await arrived, "one");
    // A name server that is down takes nothing away.
    answer = undefined;
    await lookUp();
    arrived = received(first.socket);
    sender.send("two");
    assert.equal(await arrived, "two");
    answer = ["192.0.2.1"];
    await lookUp();
    sender.send("lost");
    assert.equal(sender.lost, 2);
    assert.match(errors.at(-1) ?? "", /192\.0\.2\.1 is refused/);
    await sender.close();
    second.socket.unref();
  });
});
