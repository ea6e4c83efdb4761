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

test("roots that live for a day or an hour are replaced as rarely as their life allows, and expired ones are not kept", () => {
  for (const rootTtlMs of [HOUR, 24 * HOUR]) {
    const short: RotationPolicy = { ...policy, rootTtlMs, overlapMs: rootTtlMs / 10, retireMs: 100 * HOUR };
    const begin = Date.now();
    let state: CaState = { active: createSelfSigned(short, begin), retired: [] };
    const signers = new Set([state.active.root]);
    for (let now = begin; now < begin + 5 * rootTtlMs; now += rootTtlMs / 100) {
      state = rotate(state, short, now);
      signers.add(state.active.root);
      const roots = splitCertificates(trustedRoots(state));
      assert.ok(roots.length <= 2);
      assert.ok(roots.every((root) => parseCertificate(root).notAfter > now));
    }
    // Each signs from the end of the overlap with the one before to that with the next: 0.9 of its life.
    assert.ok(signers.size >= 5 && signers.size <= 7, `${signers.size} roots`);
  }
});

test("workloads that renew at half of the longest lifetime always know each other's root", () => {
  const begin = Date.now();
  const longest = 10 * HOUR;
  const tight: RotationPolicy = { ...policy, rootTtlMs: 6 * longest, overlapMs: 0.6 * longest, retireMs: longest };
  let state: CaState = { active: createSelfSigned(tight, begin), retired: [] };
  // Each began at another time.
  const workloads = Array.from({ length: 10 }, (_, i) => ({
    renewAt: begin + (i * longest) / 20,
    leaf: "",
    roots: "",
  }));
  for (let now = begin; now < begin + 20 * longest; now += longest / 20) {
    state = rotate(state, tight, now);
    const authority = createAuthority(state, { defaultTtlMs: longest, maxTtlMs: longest });
    for (const each of workloads.filter(({ renewAt }) => renewAt <= now)) {
      const { leaf, roots } = authority.issue({ names, publicKey, ttlMs: 0 }, now);
      Object.assign(each, { leaf, roots, renewAt: now + (parseCertificate(leaf).notAfter - now) / 2 });
    }
    const ready = workloads.filter(({ leaf }) => leaf !== "");
    for (const one of ready) for (const other of ready) assert.ok(leadsTo(one.leaf, other.roots));
  }
});

test("an authority whose root has ended goes on with the next one, or a new one, at once", () => {
  const now = Date.now();
  const old = createSelfSigned(policy, now - policy.rootTtlMs - HOUR);
  const ended: CaState = { active: old, retired: [{ root: old.root, until: now + HOUR }] };
  const made = rotate(ended, policy, now);
  assert.notEqual(made.active.root, old.root);
  assert.deepEqual([made.next, made.retired], [undefined, []]);
  assert.ok(createAuthority(made, options).issue({ names, publicKey, ttlMs: 0 }, now).leaf);
  const next = { ...createSelfSigned(policy, now - HOUR), promoteAt: now + HOUR };
  const promoted = rotate({ ...ended, next }, policy, now);
  assert.equal(promoted.active.root, next.root);
  assert.equal(promoted.next, undefined);
  const alsoEnded = { ...old, promoteAt: now + HOUR };
  assert.notEqual(rotate({ ...ended, next: alsoEnded }, policy, now).active.root, old.root);
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

test("of several plugged-in roots that one counts to which the signing certificate leads, wherever it stands", () => {
  const now = Date.now();
  const expired = createSelfSigned(policy, now - policy.rootTtlMs - HOUR);
  const mine = createSelfSigned(policy, now);
  for (const root of [expired.root + mine.root, mine.root + expired.root]) {
    const active = pluggedIn({ ...mine, root });
    assert.deepEqual(splitCertificates(active.root), [mine.root, expired.root]);
    const authority = createAuthority({ active, retired: [] }, options);
    assert.ok(authority.notAfter > now);
    const { leaf, intermediates } = authority.issue({ names, publicKey, ttlMs: 0 }, now);
    assert.ok(leadsTo(leaf, mine.root));
    assert.deepEqual(intermediates, []);
  }
});
