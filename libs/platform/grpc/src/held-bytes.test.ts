import assert from "node:assert/strict";
import type { ClientHttp2Stream } from "node:http2";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { framed } from "./framing.ts";
import { HeldBytes } from "./held-bytes.ts";
import { rawDuplex, rawServerStream, rawUnary } from "./index.ts";
import { ask, open, responseOf, withRawSession } from "./raw-client.testkit.ts";

const MIB = 1 << 20;
const services = [
  rawUnary("/t.T/Echo", (bytes) => bytes.subarray(0, 1)),
  rawDuplex("/t.T/Talk", (stream) => {
    stream.onMessage(() => {});
    stream.onEnd(() => stream.end());
  }),
  rawServerStream("/t.T/List", (_bytes, stream) => stream.end()),
];
const limits = { maxMessageBytes: MIB, maxHeldBytesPerConnection: 2 * MIB, maxHeldBytes: 3 * MIB };

describe("what is kept of unfinished calls", () => {
  it("is counted for the part and the whole, and what does not fit is not counted", () => {
    const whole = new HeldBytes(10);
    const [a, b] = [new HeldBytes(8, whole), new HeldBytes(8, whole)];
    a.add(7);
    assert.throws(() => a.add(2), /on this connection/);
    assert.throws(() => b.add(4), /at this server/);
    b.add(3);
    a.remove(7);
    assert.deepEqual([a.held, b.held, whole.held], [0, 3, 3]);
  });

  for (const [what, path, bytes] of [
    ["cut off messages", "/t.T/Talk", framed(Buffer.alloc(MIB)).subarray(0, MIB - 10)],
    ["cut off requests", "/t.T/Echo", framed(Buffer.alloc(MIB)).subarray(0, MIB - 10)],
    ["whole requests whose call does not end", "/t.T/Echo", framed(Buffer.alloc(MIB))],
  ] as const)
    it(`has a limit for one connection: ${what}`, async () => {
      await withRawSession({ services, limits }, async (session) => {
        const streams: ClientHttp2Stream[] = [];
        const statuses: (string | undefined)[] = [];
        for (let i = 0; i < 5; i++) {
          const stream = open(session, path);
          streams.push(stream);
          void responseOf(stream).then(({ grpcStatus }) => statuses.push(grpcStatus));
          stream.write(bytes);
        }
        await waitFor("some are refused", 5_000, () => statuses.length >= 3);
        assert.ok(
          statuses.every((each) => each === "8"),
          String(statuses),
        );
        for (const each of streams) each.destroy();
        await waitFor("room again", 5_000, async () => {
          const { grpcStatus } = await ask(session, "/t.T/Echo", Buffer.alloc(MIB));
          return grpcStatus === "0";
        });
        // Nothing that ended is still counted.
        for (let i = 0; i < 6; i++)
          assert.equal((await ask(session, "/t.T/Echo", Buffer.alloc(MIB - 1))).grpcStatus, "0");
      });
    });
});

describe("a method with one request and a stream of answers", () => {
  it("answers a call that ends without a request", async () => {
    await withRawSession({ services }, async (session) => {
      const stream = open(session, "/t.T/List");
      const answer = responseOf(stream);
      stream.end();
      const { grpcStatus, grpcMessage } = await answer;
      assert.deepEqual([grpcStatus, grpcMessage], ["12", "/t.T/List takes one message; none came"]);
    });
  });
});
