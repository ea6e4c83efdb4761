import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { generateKey, KEY_TYPES, parseCertificate, publicKeyDer } from "@xebec/model-pki";
import fc from "fast-check";
import { BACKDATE_MS, createAuthority, createSelfSigned } from "./index.ts";

const HOUR = 3_600_000;
const publicKey = publicKeyDer(generateKey("P-256"));
const names = { uris: ["spiffe://cluster.local/ns/default/sa/a"] };
const NOW = Date.UTC(2026, 0, 1);

for (const keyType of KEY_TYPES)
  describe(`an authority with a key of ${keyType}`, () => {
    const active = createSelfSigned({ trustDomain: "cluster.local", keyType, rootTtlMs: 100 * HOUR }, NOW);
    const authority = createAuthority({ active, retired: [] }, { defaultTtlMs: HOUR, maxTtlMs: 2 * HOUR });
    const root = new X509Certificate(active.root);

    it("never gives a serial number twice, and each is positive and short enough", () => {
      const count = keyType === "P-256" ? 500 : 50;
      const serials = new Set<string>();
      for (let i = 0; i < count; i++) {
        const { serialNumber } = new X509Certificate(authority.issue({ names, publicKey, ttlMs: 0 }, NOW).leaf);
        assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/, "16 bytes whose first bit is not set");
        serials.add(serialNumber);
      }
      assert.equal(serials.size, count);
    });

    it("gives no certificate that outlives it, lives longer than allowed, or begins too early", () => {
      const asked = fc.oneof(
        fc.integer(),
        fc.integer({ min: 0, max: 200 * HOUR }),
        fc.constant(Number.POSITIVE_INFINITY),
      );
      fc.assert(
        fc.property(asked, fc.integer({ min: 0, max: 99 * HOUR }), (ttlMs, later) => {
          const now = NOW + later;
          const { leaf } = authority.issue({ names, publicKey, ttlMs }, now);
          const { notBefore, notAfter } = parseCertificate(leaf);
          assert.ok(notAfter <= authority.notAfter);
          assert.ok(notAfter <= now + 2 * HOUR);
          assert.ok(notBefore <= now - BACKDATE_MS && notBefore > now - BACKDATE_MS - 1_000);
          assert.ok(ttlMs <= 0 || ttlMs >= 2 * HOUR || notAfter <= now + ttlMs);
        }),
        { numRuns: 40 },
      );
    });

    it("signs nothing before its own certificate is valid", () => {
      const { notBefore } = parseCertificate(active.certificate);
      assert.throws(() => authority.issue({ names, publicKey, ttlMs: 0 }, notBefore - 1_000), {
        code: "failed_precondition",
        message: /is not valid before /,
      });
    });

    it("signs what Node verifies, and with no key of its own in it", () => {
      const { leaf, intermediates, roots } = authority.issue({ names, publicKey, ttlMs: 0 }, NOW);
      const certificate = new X509Certificate(leaf);
      assert.ok(certificate.verify(root.publicKey) && certificate.checkIssued(root));
      assert.equal(certificate.ca, false);
      assert.deepEqual(intermediates, []);
      assert.equal(roots, active.root);
      assert.deepEqual(certificate.publicKey.export({ format: "der", type: "spki" }), publicKey);
      assert.equal(certificate.subjectAltName, "URI:spiffe://cluster.local/ns/default/sa/a");
    });
  });
