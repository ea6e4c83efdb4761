import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { generateKey, parseCertificate, publicKeyDer, splitCertificates } from "@xebec/model-pki";
import {
  type CaState,
  createAuthority,
  createSelfSigned,
  decodeCaState,
  encodeCaState,
  pluggedIn,
  type RotationPolicy,
  rotate,
  trustedRoots,
} from "./index.ts";

const HOUR = 3_600_000;
const options = { defaultTtlMs: HOUR, maxTtlMs: 2 * HOUR };
const policy: RotationPolicy = {
  ...{ trustDomain: "cluster.local", keyType: "P-256", rootTtlMs: 100 * HOUR },
  ...{ remaining: 0.2, overlapMs: 2 * HOUR, retireMs: 2 * HOUR },
};
const names = { uris: ["spiffe://cluster.local/ns/default/sa/a"] };
const publicKey = publicKeyDer(generateKey("P-256"));
const fresh = (now: number): CaState => ({ active: createSelfSigned(policy, now), retired: [] });
const lifetime = (pem: string, now: number): number => parseCertificate(pem).notAfter - Math.floor(now / 1_000) * 1_000;
const leadsTo = (leaf: string, bundle: string): boolean =>
  splitCertificates(bundle).some((root) => new X509Certificate(leaf).verify(new X509Certificate(root).publicKey));

test("the lifetime is what was asked for, at most the maximum and the authority's own", () => {
  const now = Date.now();
  const authority = createAuthority(fresh(now), options);
  const asked = (ttlMs: number, at = now): number =>
    lifetime(authority.issue({ names, publicKey, ttlMs }, at).leaf, at);
  assert.equal(asked(0), HOUR);
  assert.equal(asked(-5), HOUR);
  assert.equal(asked(30_000), 30_000);
  assert.equal(asked(100 * HOUR), 2 * HOUR);
  assert.equal(asked(2 * HOUR, now + 99.5 * HOUR), HOUR / 2);
  assert.throws(() => asked(1, now + 101 * HOUR), { code: "failed_precondition" });
});

test("a rotation never leaves a certificate without a trusted root", () => {
  const begin = Date.now();
  let state = fresh(begin);
  const live: { leaf: string; until: number }[] = [];
  const signers = new Set<string>();
  for (let now = begin; now < begin + 400 * HOUR; now += HOUR / 2) {
    state = rotate(state, policy, now);
    const authority = createAuthority(state, options);
    const { leaf } = authority.issue({ names, publicKey, ttlMs: 2 * HOUR }, now);
    live.push({ leaf, until: now + 2 * HOUR });
    signers.add(state.active.root);
    const roots = trustedRoots(state);
    // A verifier holds the bundle that it got with its own last certificate, at most two hours ago.
    for (const each of live.filter(({ until }) => until > now)) assert.ok(leadsTo(each.leaf, roots));
    assert.ok(splitCertificates(roots).length <= 2);
  }
  assert.ok(signers.size >= 4);
});

test("both roots are trusted before the new one signs", () => {
  const now = Date.now();
  const before = fresh(now);
  const state = rotate(before, policy, now + HOUR, true);
  assert.equal(rotate(before, policy, now + HOUR), before);
  assert.equal(state.active, before.active);
  assert.equal(splitCertificates(trustedRoots(state)).length, 2);
  const after = rotate(state, policy, now + 3 * HOUR);
  assert.equal(after.active.certificate, state.next?.certificate);
  assert.equal(splitCertificates(trustedRoots(after)).length, 2);
  assert.equal(splitCertificates(trustedRoots(rotate(after, policy, now + 6 * HOUR))).length, 1);
});

test("state survives its storage; something else is data loss", () => {
  const state = rotate(fresh(Date.now()), policy, Date.now(), true);
  assert.deepEqual(decodeCaState(encodeCaState(state), "x"), state);
  assert.throws(() => decodeCaState("{}", "ca.json"), { code: "data_loss", message: /^ca\.json / });
});

test("a plugged-in authority must hold together", () => {
  const now = Date.now();
  const mine = createSelfSigned(policy, now);
  const other = createSelfSigned(policy, now);
  assert.deepEqual(pluggedIn(mine), mine);
  assert.throws(() => pluggedIn({ ...mine, key: other.key }), /does not belong/);
  assert.throws(() => pluggedIn({ ...mine, root: other.root }), /does not lead/);
  assert.throws(() => pluggedIn({ ...mine, certificate: "x" }), /not a certificate/);
});
