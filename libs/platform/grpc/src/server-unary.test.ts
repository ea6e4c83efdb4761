import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import { waitFor } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { type CallContext, rawUnary } from "./index.ts";
import { failsWith, serving } from "./serving.testkit.ts";

test("a unary method takes and gives the bytes as they are", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => Buffer.concat([bytes, Uint8Array.of(9)]));
  const later = rawUnary("/t.T/Later", async (bytes) => new Uint8Array(bytes));
  await serving({ services: [echo, later] }, async (channel) => {
    assert.deepEqual([...(await channel.unary("/t.T/Echo", Uint8Array.of(1, 2)))], [1, 2, 9]);
    assert.deepEqual([...(await channel.unary("/t.T/Later", Uint8Array.of(7)))], [7]);
    assert.deepEqual([...(await channel.unary("/t.T/Later", Uint8Array.of()))], []);
  });
});

test("the context has peer, headers and deadline", async () => {
  const seen: CallContext[] = [];
  const values: (string | number | undefined)[] = [];
  const method = rawUnary("/t.T/M", (bytes, call) => {
    seen.push(call);
    values.push(call.peer, call.metadata("x-one"), call.metadata("x-none"), call.identity, call.deadlineMs);
    return bytes;
  });
  await serving({ services: [method] }, async (channel) => {
    await channel.unary("/t.T/M", Uint8Array.of(), { metadata: { "x-one": "1" }, timeoutMs: 5_000 });
  });
  const [peer, one, none, identity, deadline] = values;
  assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual([one, none, identity, seen[0]?.path], ["1", undefined, undefined, "/t.T/M"]);
  assert.ok(Number(deadline) > 3_000 && Number(deadline) <= 5_000, String(deadline));
});

test("a XebecError travels with code and public text, any other error without its text", async () => {
  const known = rawUnary("/t.T/Known", () => {
    throw new XebecError("permission_denied", "not for you: \ud800 ü", { detail: "private" });
  });
  const unknown = rawUnary("/t.T/Unknown", () => Promise.reject(new Error("secret of the database")));
  await serving({ services: [known, unknown] }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Known", Uint8Array.of()),
      failsWith("permission_denied", /^not for you: . ü$/),
    );
    await assert.rejects(channel.unary("/t.T/Unknown", Uint8Array.of()), (error: XebecError) => {
      assert.equal(error.code, "internal");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    await assert.rejects(channel.unary("/t.T/Absent", Uint8Array.of()), failsWith("unimplemented", /./));
  });
});

test("a message above the limit is refused, and so are headers above the limit", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  const limits = { maxMessageBytes: 1_000, maxHeaderBytes: 4_096 };
  await serving({ services: [echo], limits }, async (channel) => {
    assert.equal((await channel.unary("/t.T/Echo", new Uint8Array(1_000))).length, 1_000);
    await assert.rejects(channel.unary("/t.T/Echo", new Uint8Array(1_001)), failsWith("resource_exhausted", /larger/));
    const metadata = { "x-big": "x".repeat(5_000) };
    await assert.rejects(channel.unary("/t.T/Echo", Uint8Array.of(), { metadata }));
    await channel.unary("/t.T/Echo", Uint8Array.of(), { metadata: { "x-big": "x".repeat(2_000) } });
  });
});

test("a handler that takes too long is ended with deadline_exceeded and its signal aborts", async () => {
  let aborted = false;
  const slow = rawUnary("/t.T/Slow", (_bytes, call) => {
    call.signal.addEventListener("abort", () => {
      aborted = true;
    });
    return new Promise(() => {});
  });
  await serving({ services: [slow], limits: { maxCallMs: 50 } }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Slow", Uint8Array.of()),
      failsWith("deadline_exceeded", /longer than 50 ms/),
    );
  });
  assert.ok(aborted);
});

test("a request that never becomes complete is cut off", async () => {
  const echo = rawUnary("/t.T/Echo", (bytes) => bytes);
  await serving({ services: [echo], limits: { maxCallMs: 50 } }, async (_channel, { port }) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/t.T/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let closed = false;
    stream.on("close", () => {
      closed = true;
    });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0, 0]));
    await waitFor("the stream is closed by the server", 5_000, () => closed);
    session.destroy();
  });
});

test("a caller that goes away aborts the signal", async () => {
  let aborted = false;
  const stop = new AbortController();
  const slow = rawUnary("/t.T/Slow", (_bytes, call) => {
    call.signal.addEventListener("abort", () => {
      aborted = true;
    });
    stop.abort();
    return new Promise(() => {});
  });
  await serving({ services: [slow] }, async (channel) => {
    await assert.rejects(
      channel.unary("/t.T/Slow", Uint8Array.of(), { signal: stop.signal }),
      failsWith("cancelled", /./),
    );
    await waitFor("the signal aborts", 2_000, () => aborted);
  });
});
