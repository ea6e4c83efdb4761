import assert from "node:assert/strict";
import { constants } from "node:http2";
import { describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { createMetrics } from "@xebec/core-metrics";
import { echo } from "./echo.testkit.ts";
import { framed } from "./framing.ts";
import { type CallContext, rawDuplex, rawUnary } from "./index.ts";
import { ask, open, responseOf, withRawSession } from "./raw-client.testkit.ts";

describe("a call ends", () => {
  it("when its caller's deadline passes, and its signal aborts", async () => {
    const calls: CallContext[] = [];
    const never = rawUnary("/t.T/Never", (_bytes, call) => {
      calls.push(call);
      return new Promise(() => {});
    });
    const open = rawDuplex("/t.T/Open", (stream, call) => {
      calls.push(call);
      stream.onMessage(() => {});
    });
    await withRawSession({ services: [never, open] }, async (session) => {
      for (const path of ["/t.T/Never", "/t.T/Open"]) {
        const got = await ask(session, path, Uint8Array.of(), { "grpc-timeout": "20m" });
        assert.equal(got.grpcStatus, "4");
        assert.match(got.grpcMessage ?? "", /longer than 20 ms/);
      }
      await waitFor("both signals", 2_000, () => calls.length === 2 && calls.every((call) => call.signal.aborted));
      assert.deepEqual(
        calls.map((call) => call.deadlineMs),
        [20, 20],
      );
    });
  });

  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_INTERNAL_ERROR])
    it(`when its caller resets it with code ${code}, also while it is paused`, async () => {
      const seen: string[] = [];
      const metrics = createMetrics();
      const never = rawUnary("/t.T/Never", (_bytes, call) => {
        call.signal.addEventListener("abort", () => seen.push("unary"));
        seen.push("begun");
        return new Promise(() => {});
      });
      const paused = rawDuplex("/t.T/Paused", (stream) => {
        stream.onMessage(() => {});
        stream.onClose(() => seen.push("stream"));
        stream.pause();
        seen.push("begun");
      });
      await withRawSession({ services: [never, paused], metrics }, async (session) => {
        const unary = open(session, "/t.T/Never");
        const stream = open(session, "/t.T/Paused");
        unary.end(framed(Uint8Array.of()));
        stream.write(framed(Buffer.alloc(1_000)));
        await waitFor("both", 2_000, () => seen.length === 2);
        unary.close(code);
        stream.close(code);
        await waitFor("both ends", 2_000, () => seen.length === 4);
        assert.deepEqual(seen.slice(2).sort(), ["stream", "unary"]);
      });
      const text = await metrics.registry.metrics();
      for (const method of ["Never", "Paused"])
        assert.match(
          text,
          new RegExp(`handled_total\\{server="raw test",method="/t.T/${method}",code="cancelled"\\} 1`),
        );
      assert.match(text, /grpc_server_streams\{server="raw test"\} 0/);
    });

  it("when its connection breaks, also in the middle of a message", async () => {
    const metrics = createMetrics();
    const seen: string[] = [];
    const half = rawUnary("/t.T/Half", () => assert.fail("half a request was handled"));
    const duplex = rawDuplex("/t.T/Duplex", (stream, call) => {
      stream.onMessage(() => seen.push("message"));
      stream.onEnd(() => seen.push("end"));
      stream.onClose(() => seen.push(`close, aborted: ${call.signal.aborted}`));
    });
    await withRawSession({ services: [half, duplex], metrics }, async (session) => {
      open(session, "/t.T/Half").write(framed(Buffer.alloc(100)).subarray(0, 50));
      const stream = open(session, "/t.T/Duplex");
      stream.write(framed(Buffer.alloc(100)));
      stream.write(framed(Buffer.alloc(100)).subarray(0, 50));
      await waitFor("the message", 2_000, () => seen.length === 1);
      session.socket.destroy();
      await waitFor("the close", 2_000, () => seen.length === 3);
    });
    assert.deepEqual(seen, ["message", "end", "close, aborted: true"]);
    const text = await metrics.registry.metrics();
    for (const method of ["Half", "Duplex"])
      assert.match(text, new RegExp(`server="raw test",method="/t.T/${method}",code="cancelled"\\} 1`));
  });

  it("when the server answers early: the caller gets the status, then a reset", async () => {
    const full = rawDuplex("/t.T/Full", (stream) => {
      stream.write(Uint8Array.of(1));
      stream.fail(new XebecError("resource_exhausted", "full"));
    });
    await withRawSession({ services: [full] }, async (session) => {
      const stream = open(session, "/t.T/Full");
      const got = await responseOf(stream);
      assert.deepEqual([got.grpcStatus, got.grpcMessage, got.messages.length], ["8", "full", 1]);
      assert.equal(got.resetCode, constants.NGHTTP2_NO_ERROR);
    });
  });

  it("and is counted once, whatever its path was", async () => {
    const metrics = createMetrics();
    await withRawSession({ services: [echo], metrics }, async (session) => {
      for (let i = 0; i < 3; i++) await ask(session, "/t.T/Echo");
      for (let i = 0; i < 3; i++) await ask(session, `/t.T/None${i}`);
    });
    const text = await metrics.registry.metrics();
    assert.match(text, /handled_total\{server="raw test",method="\/t.T\/Echo",code="ok"\} 3/);
    assert.match(text, /handled_total\{server="raw test",method="unknown",code="unimplemented"\} 3/);
  });
});
