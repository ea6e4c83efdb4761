import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cidrOf } from "./cidr.ts";

describe("a network", () => {
  for (const [text, expected] of [
    ["10.1.2.3", "10.1.2.3/32"],
    ["10.1.2.3/32", "10.1.2.3/32"],
    ["10.1.2.3/16", "10.1.0.0/16"],
    ["10.255.255.255/9", "10.128.0.0/9"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["2001:db8::1", "2001:db8::1/128"],
    ["2001:DB8:0:0::1/64", "2001:db8::/64"],
    ["ffff:ffff::/20", "ffff:f000::/20"],
    ["::1/0", "::/0"],
    ["::ffff:1.2.3.4/96", "::ffff:0:0/96"],
  ] as const)
    it(`${text} is ${expected}`, () => {
      const { addressPrefix, prefixLen } = cidrOf(text);
      assert.equal(`${addressPrefix}/${prefixLen}`, expected);
    });
});
