import assert from "node:assert/strict";
import { test } from "node:test";
import { XebecError } from "@xebec/core-errors";
import {
  type AttributeValue,
  type CheckResult,
  type Clock,
  type Handler,
  type HandlerLimits,
  NO_REACH,
  parseIp,
  type ValueType,
} from "@xebec/mixer-sdk";
import { paramErrors, startHandler } from "@xebec/mixer-sdk/testkit";
import { createAddressPolicy } from "@xebec/platform-http/guarded";
import { listchecker } from "./info.ts";
import { createAdapter } from "./listchecker.ts";

const STILL: Clock = { now: () => 0, every: () => () => undefined };

/** Limits by the networks that are open to handlers. */
function limitsOf(...networks: string[]): HandlerLimits {
  const policy = createAddressPolicy(networks);
  return { ...NO_REACH, addressRefusal: (address) => policy.refusal(address) };
}

const make = (params: object, fetch?: () => Promise<string>, clock = STILL): Promise<Handler> =>
  startHandler(createAdapter({ limits: limitsOf() }, fetch), params, { clock });

const ask = (handler: Handler, value: AttributeValue, type: ValueType = "STRING"): CheckResult => {
  const instance = { name: "i", types: { value: type }, value };
  return handler.check?.(instance, "listentry") as CheckResult;
};

test("empty entries match nothing, and characters are folded one by one", async () => {
  const strings = await make({ overrides: ["", "a"] });
  assert.equal(ask(strings, "").code, 7);
  const folded = await make({ overrides: ["", "straße"], entryType: "CASE_INSENSITIVE_STRINGS" });
  assert.deepEqual(
    ["", "STRAßE", "STRASSE"].map((value) => ask(folded, value).code),
    [7, 0, 7],
  );
});

test("a list of texts allows what it has, with the configured validity", async () => {
  const handler = await make({ overrides: ["v1", "v2"], caching_interval: "10s", caching_use_count: 7 });
  assert.deepEqual(ask(handler, "v1"), { code: 0, message: "", validMs: 10_000, validUses: 7 });
  assert.deepEqual(ask(handler, "v3"), { code: 7, message: "v3 is not whitelisted", validMs: 10_000, validUses: 7 });
  assert.equal(ask(handler, "V1").code, 7);
  assert.equal(ask(handler, 5, "INT64").code, 3);
});

test("a blacklist denies what it has", async () => {
  const handler = await make({ overrides: ["bad"], blacklist: true });
  assert.equal(ask(handler, "good").code, 0);
  assert.equal(ask(handler, "bad").message, "bad is blacklisted");
});

test("case-insensitive texts, regular expressions and networks", async () => {
  const folded = await make({ overrides: ["AbC"], entryType: "CASE_INSENSITIVE_STRINGS" });
  assert.equal(ask(folded, "aBc").code, 0);
  const regex = await make({ overrides: ["a+b", "^z$"], entry_type: 3 });
  assert.equal(ask(regex, "xxaab").code, 0);
  assert.equal(ask(regex, "zz").code, 7);
  const ips = await make({ overrides: ["10.0.0.0/8", "1.2.3.4", "2001:db8::/32", "::1"], entryType: "IP_ADDRESSES" });
  for (const [text, code] of [
    ["10.255.1.1", 0],
    ["11.0.0.1", 7],
    ["1.2.3.4", 0],
    ["1.2.3.5", 7],
    ["2001:db8:ffff::1", 0],
    ["2001:db9::1", 7],
    ["::1", 0],
    ["not an address", 3],
  ] as const)
    assert.equal(ask(ips, text).code, code, text);
  assert.equal(ask(ips, Uint8Array.of(10, 1, 1, 1), "IP_ADDRESS").code, 0);
  assert.equal(ask(ips, parseIp("12.1.1.1") as Uint8Array, "IP_ADDRESS").message, "12.1.1.1 is not whitelisted");
});

test("errors in the parameters are found", () => {
  const errors = (params: object): string[] => paramErrors(listchecker, params);
  assert.match(
    errors({ overrides: ["("], entryType: "REGEX" })[0] ?? "",
    /overrides: "\(" is not a valid regular expression/,
  );
  assert.match(errors({ overrides: ["1.2.3"], entryType: "IP_ADDRESSES" })[0] ?? "", /"1.2.3" is not an IP address/);
  assert.deepEqual(errors({ providerUrl: "nohost", refreshInterval: "0.5s" }).length, 2);
  assert.deepEqual(errors({ providerUrl: "http://h/", refreshInterval: "10s", ttl: "5s" }), [
    "ttl: must not be shorter than refreshInterval",
  ]);
});

test("a fetched list is refreshed, survives failures until its time is over, then checks fail", async () => {
  let time = 0;
  let tick = (): void => undefined;
  const clock: Clock = {
    now: () => time,
    every: (ms, work) => {
      assert.equal(ms, 1000);
      tick = work;
      return () => {
        tick = () => undefined;
      };
    },
  };
  let body: string | undefined = "v1\n\nv2\n";
  const fetch = async (): Promise<string> => {
    if (body === undefined) throw new Error("http://lists/ answered with status 500");
    return body;
  };
  const params = { providerUrl: "http://lists/", refreshInterval: "1s", ttl: "5s", overrides: ["extra"] };
  const handler = await make(params, fetch, clock);
  assert.deepEqual(
    ["v1", "v2", "extra", "v3", ""].map((each) => ask(handler, each).code),
    [0, 0, 0, 7, 7],
  );
  const refreshed = async (): Promise<void> => {
    tick();
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  body = "v3";
  await refreshed();
  assert.deepEqual([ask(handler, "v1").code, ask(handler, "v3").code], [7, 0]);
  body = undefined;
  time = 4000;
  await refreshed();
  assert.equal(ask(handler, "v3").code, 0);
  time = 6000;
  assert.throws(() => ask(handler, "v3"), /could not be fetched: http:\/\/lists\/ answered with status 500/);
  await handler.close?.();
});

test("a list of an address that may not be called is refused, in every spelling, and its password is not shown", () => {
  const errors = (providerUrl: string): string =>
    paramErrors(listchecker, { providerUrl }, { limits: limitsOf() }).join();
  for (const host of [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0",
    "[::1]",
    "[::ffff:169.254.169.254]",
    "169.254.169.254.",
  ])
    assert.match(errors(`http://u:hush@${host}:8080/`), /^providerUrl: \S+ is an? .*--handlerNetworks/, host);
  assert.equal(errors("http://u:hush@lists.example/"), "");
  for (const url of ["ftp://u:hush@h/", "http://u:hush#x@h:y/"]) {
    assert.match(errors(url), /^providerUrl: /);
    assert.doesNotMatch(errors(url), /hush/);
  }
  const open = { limits: limitsOf("127.0.0.0/8") };
  assert.deepEqual(paramErrors(listchecker, { providerUrl: "http://127.0.0.1/" }, open), []);
});

test("a name that leads to an address that may not be called keeps the handler from starting", async () => {
  const denied = (): Promise<string> =>
    Promise.reject(
      new XebecError("permission_denied", "http://lists may not be called: 127.0.0.1 is a loopback address"),
    );
  await assert.rejects(make({ providerUrl: "http://lists/" }, denied), /127\.0\.0\.1 is a loopback address/);
});

test("the first fetch may fail; the handler works as soon as there is a list", async () => {
  const handler = await make({ providerUrl: "http://lists/" }, () => Promise.reject(new Error("refused")));
  assert.throws(() => ask(handler, "x"), /could not be fetched: refused/);
});
