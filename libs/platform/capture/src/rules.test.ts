import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "@xebec/core-config";
import { CaptureConfig } from "./config.ts";
import { captureRules, type Family, restoreInput } from "./rules.ts";

function rules(args: string, family: Family = 4, nameservers: readonly string[] = ["10.96.0.10"]): string {
  const { config } = loadConfig(CaptureConfig, args.split(" ").filter(Boolean), {});
  return restoreInput(captureRules(config, { family, nameservers }));
}

test("the rules of an injected pod are Istio's, in their order", () => {
  assert.equal(
    rules("istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i * -b * -d 15090,15021,15020"),
    `* nat
-N ISTIO_INBOUND
-N ISTIO_REDIRECT
-N ISTIO_IN_REDIRECT
-N ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN
-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -p tcp -j ISTIO_REDIRECT
COMMIT
`,
  );
});

test("lists of ports and addresses are captured one by one, what is excluded comes before", () => {
  const text = rules("-b 80,443 -i 10.0.0.0/8,fd00::/8 -x 10.1.0.0/16 -q 9000 -o 3306 -c eth1");
  assert.match(text, /-A ISTIO_INBOUND -p tcp --dport 80 -j ISTIO_IN_REDIRECT\n-A ISTIO_INBOUND -p tcp --dport 443/);
  assert.match(text, /-A PREROUTING -i eth1 -j RETURN\n-A OUTPUT -o eth1 -j RETURN/);
  assert.match(
    text,
    /--dport 3306 -j RETURN[\s\S]*-d 10\.1\.0\.0\/16 -j RETURN\n.*--dport 9000 -j ISTIO_REDIRECT\n.*-d 10\.0\.0\.0\/8 -j ISTIO_REDIRECT\nCOMMIT/,
  );
  assert.doesNotMatch(text, /fd00/);
  assert.match(
    rules("-i 10.0.0.0/8,fd00::/8", 6),
    /-s ::6\/128[\s\S]*-d ::1\/128[\s\S]*-d fd00::\/8 -j ISTIO_REDIRECT/,
  );
});

test("nothing is captured that is not named", () => {
  const text = rules("");
  assert.doesNotMatch(text, /PREROUTING/);
  assert.doesNotMatch(text, /-A ISTIO_OUTPUT .*ISTIO_REDIRECT/);
});

test("DNS goes to the agent, and back in a zone of its own", () => {
  const text = rules("-i * --redirect-dns");
  assert.match(text, /-A ISTIO_OUTPUT_DNS -p udp --dport 53 -d 10\.96\.0\.10\/32 -j REDIRECT --to-port 15053/);
  assert.match(text, /-m multiport ! --dports 53,15008 -m owner --uid-owner 1337/);
  assert.match(text, /\* raw\n[\s\S]*-A ISTIO_INBOUND -p udp --sport 53 -s 10\.96\.0\.10\/32 -j CT --zone 1\nCOMMIT/);
  assert.doesNotMatch(rules("-i * --redirect-dns --capture-all-dns"), /10\.96/);
});

test("TPROXY marks in the mangle table, which comes first", () => {
  const text = rules("-m TPROXY -b * -i *");
  assert.match(text, /^\* mangle\n/);
  assert.match(
    text,
    /-A ISTIO_TPROXY ! -d 127\.0\.0\.1\/32 -p tcp -j TPROXY --tproxy-mark 1337\/0xffffffff --on-port 15006/,
  );
  assert.match(text, /-I ISTIO_INBOUND 3 -p tcp -i lo -m mark ! --mark 1338 -j RETURN/);
});

test("flags that contradict each other are refused", () => {
  assert.throws(() => rules("-x *"), /istio-service-exclude-cidr cannot be \*/);
  assert.throws(() => rules("-m SOCKS"), /REDIRECT or TPROXY/);
  assert.throws(() => rules("--outbound-owner-groups 1 --outbound-owner-groups-exclude 2"), /exclude each other/);
});
