import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { createSelfSigned, encodeCaState } from "@xebec/citadel-ca";
import { waitFor } from "@xebec/core-async";
import { loadConfig } from "@xebec/core-config";
import { generateKey, parseCertificate, publicKeyDer, splitCertificates } from "@xebec/model-pki";
import { type TempDir, tempDir } from "@xebec/testing-launch";
import { type AuthoritySource, createAuthoritySource } from "./authority-source.ts";
import { NEVER } from "./citadel.testkit.ts";
import { CitadelConfig, type CitadelFlags, durationMs } from "./config.ts";
import { createOwnCertificate } from "./own-certificate.ts";

const flagsOf = (...flags: string[]): CitadelFlags => loadConfig(CitadelConfig, flags, {}).config;

async function open(...flags: string[]): Promise<AuthoritySource & AsyncDisposable> {
  const source = createAuthoritySource(flagsOf(...flags));
  await source.start(NEVER);
  return Object.assign(source, { [Symbol.asyncDispose]: async () => source.close?.() });
}

const read = (folder: TempDir, name: string): string => readFileSync(folder.file(name), "utf8");

describe("the self-signed authority", () => {
  it("is the same after a restart, in files that nobody else can read", async () => {
    using folder = tempDir();
    const flag = `--storage-dir=${folder.path}`;
    let roots: string;
    {
      await using first = await open(flag);
      roots = first.authority().roots;
      assert.equal(read(folder, "root-cert.pem"), roots);
      assert.equal(statSync(folder.file("ca.json")).mode & 0o777, 0o600);
    }
    await using again = await open(flag);
    assert.equal(again.authority().roots, roots);
  });

  it("goes on with a rotation that a restart has interrupted", async () => {
    using folder = tempDir();
    const flag = `--storage-dir=${folder.path}`;
    let reported = 0;
    let roots: string[];
    {
      await using source = await open(flag);
      source.onChange(() => reported++);
      const [before] = splitCertificates(source.authority().roots);
      await source.rotateNow();
      roots = splitCertificates(source.authority().roots);
      assert.deepEqual([roots.length, roots[0], reported], [2, before, 1]);
      await source.rotateNow();
      assert.deepEqual(splitCertificates(source.authority().roots), roots, "one rotation at a time");
    }
    assert.deepEqual(splitCertificates(read(folder, "root-cert.pem")), roots);
    await using again = await open(flag);
    assert.deepEqual(splitCertificates(again.authority().roots), roots);
  });

  it("refuses to start on a damaged file, says which, and leaves it as it is", async () => {
    using folder = tempDir();
    using other = tempDir();
    const flag = `--storage-dir=${folder.path}`;
    await (await open(flag)).close?.();
    await (await open(`--storage-dir=${other.path}`)).close?.();
    const good = JSON.parse(read(folder, "ca.json"));
    const foreign = JSON.parse(read(other, "ca.json"));
    const active = (more: object): string => JSON.stringify({ ...good, active: { ...good.active, ...more } });
    for (const [what, text] of [
      ["nothing", ""],
      ["a part", read(folder, "ca.json").slice(0, 300)],
      ["another thing", "{}"],
      ["null", "null"],
      ["no list of roots", JSON.stringify({ active: good.active })],
      ["no key", active({ key: undefined })],
      ["a key that is none", active({ key: "x" })],
      ["the key of another authority", active({ key: foreign.active.key })],
      ["no root", active({ root: undefined })],
      ["a root that is none", active({ root: "x" })],
      ["a certificate that is cut", active({ certificate: good.active.certificate.slice(0, 200) })],
      ["a next authority without certificate", JSON.stringify({ ...good, next: { promoteAt: 1 } })],
    ] as const) {
      writeFileSync(folder.file("ca.json"), text);
      await assert.rejects(open(flag), (error: Error & { code?: string }) => {
        assert.equal(error.code, "data_loss", what);
        assert.ok(error.message.startsWith(`${folder.file("ca.json")} holds no state`), `${what}: ${error.message}`);
        return true;
      });
      assert.equal(read(folder, "ca.json"), text, what);
    }
    writeFileSync(folder.file("ca.json"), JSON.stringify(good));
    await (await open(flag)).close?.();
  });

  it("starts with another root when the one that it kept has ended", async () => {
    using folder = tempDir();
    const now = Date.now();
    const old = createSelfSigned({ trustDomain: "a", keyType: "P-256", rootTtlMs: 3_600_000 }, now - 7_200_000);
    writeFileSync(folder.file("ca.json"), encodeCaState({ active: old, retired: [] }));
    await using source = await open(`--storage-dir=${folder.path}`);
    assert.ok(source.authority().notAfter > now);
    assert.equal(read(folder, "root-cert.pem"), source.authority().roots);
    const own = createOwnCertificate({ source, names: { dns: ["localhost"] } });
    await own.start(NEVER);
    await own.close?.();
  });

  it("refuses a root that ends too soon for its certificates to follow, unless certificates are shorter", async () => {
    await assert.rejects(open("--self-signed-ca-cert-ttl=5h"), {
      code: "invalid_argument",
      message: /^--self-signed-ca-cert-ttl: 5h is less than 6 times --max-workload-cert-ttl \(2160h\)/,
    });
    await using source = await open("--self-signed-ca-cert-ttl=6h", "--max-workload-cert-ttl=1h");
    await source.rotateNow();
    const { promoteAt = 0 } = source.authority().state.next ?? {};
    assert.ok(Math.abs(promoteAt - Date.now() - 36 * 60_000) < 10_000, "the overlap is a tenth of the root's life");
  });

  it("does not start while its list of revoked serial numbers cannot be read", async () => {
    using folder = tempDir();
    const list = folder.file("revoked-serials");
    mkdirSync(list);
    const message = `${list} cannot be read`;
    await assert.rejects(open(`--storage-dir=${folder.path}`), { code: "failed_precondition", message });
  });

  it("keeps the list, and rotates, when the list cannot be read later", async (t) => {
    using folder = tempDir();
    const list = folder.file("revoked-serials");
    writeFileSync(list, "FF\n");
    const lifetimes = ["--self-signed-ca-cert-ttl=6h", "--max-workload-cert-ttl=1h"];
    await using source = await open(`--storage-dir=${folder.path}`, ...lifetimes);
    rmSync(list);
    mkdirSync(list);
    const now = Date.now() + 5 * 3_600_000;
    t.mock.method(Date, "now", () => now);
    await waitFor("the next root", 5_000, () => splitCertificates(source.authority().roots).length === 2);
    assert.equal(source.isRevoked("FF"), true);
  });

  it("takes revoked serial numbers as people write them", async () => {
    using folder = tempDir();
    writeFileSync(folder.file("revoked-serials"), "# of a stolen laptop\n0a:Bc\n  00ff # twice\nrubbish\n\n");
    await using source = await open(`--storage-dir=${folder.path}`);
    assert.deepEqual([...source.revoked].sort(), ["ABC", "FF"]);
    assert.deepEqual(
      ["0ABC", "00FF", "FF", "1", ""].map((each) => source.isRevoked(each)),
      [true, true, true, false, false],
    );
    writeFileSync(folder.file("revoked-serials"), "1\n");
    await waitFor("the new list", 5_000, () => source.isRevoked("1"));
    assert.equal(source.isRevoked("FF"), false);
  });
});

describe("a plugged-in authority", () => {
  const openssl = (...args: string[]): string => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });

  /** A root, an intermediate and a signing certificate, each with its key. */
  function chain(folder: TempDir): void {
    const make = (name: string, by: string | undefined): void => {
      openssl(
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
        ...["-keyout", folder.file(`${name}.key`), "-out", folder.file(`${name}.pem`), "-subj", `/O=${name}`],
        ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        ...(by ? ["-CA", folder.file(`${by}.pem`), "-CAkey", folder.file(`${by}.key`)] : []),
      );
    };
    make("root", undefined);
    make("between", "root");
    make("signing", "between");
  }
  const flags = (folder: TempDir, more: Record<string, string> = {}): string[] =>
    Object.entries({
      "signing-cert": "signing.pem",
      "signing-key": "signing.key",
      "root-cert": "root.pem",
      "cert-chain": "between.pem",
      ...more,
    }).flatMap(([flag, file]) => (file ? [`--${flag}=${folder.file(file)}`] : []));

  it("signs what OpenSSL verifies through the chain that it gives", async () => {
    using folder = tempDir();
    chain(folder);
    await using source = await open(...flags(folder));
    const { leaf, intermediates, roots } = source
      .authority()
      .issue(
        { names: { uris: ["spiffe://a/ns/b/sa/c"] }, publicKey: publicKeyDer(generateKey("P-256")), ttlMs: 60_000 },
        Date.now(),
      );
    assert.equal(intermediates.length, 2);
    writeFileSync(folder.file("leaf"), leaf);
    writeFileSync(folder.file("intermediates"), intermediates.join(""));
    writeFileSync(folder.file("roots"), roots);
    const verify = (...more: string[]): string =>
      openssl("verify", "-x509_strict", "-CAfile", folder.file("roots"), ...more, folder.file("leaf"));
    assert.match(verify("-untrusted", folder.file("intermediates")), /: OK/);
    assert.throws(() => verify(), /unable to get local issuer/);
    await assert.rejects(source.rotateNow(), { code: "failed_precondition" });
  });

  for (const [name, more, why] of [
    ["whose chain is not given", { "cert-chain": "" }, /does not lead to the root through the chain/],
    ["with the key of another", { "signing-key": "root.key" }, /does not belong to the signing certificate/],
    ["without a file that is named", { "root-cert": "none.pem" }, /--root-cert: .*none\.pem does not exist/],
    ["without a key", { "signing-key": "" }, /--signing-key is needed/],
    ["with a key in place of the certificate", { "signing-cert": "signing.key" }, /signing certificate/],
  ] as const)
    it(`${name} is refused`, async () => {
      using folder = tempDir();
      chain(folder);
      await assert.rejects(open(...flags(folder, more as Record<string, string>)), { message: why });
    });
});

describe("citadel's own certificate", () => {
  it("is renewed before it ends, however short certificates are", async () => {
    await using source = await open("--workload-cert-ttl=2s", "--max-workload-cert-ttl=2s");
    const own = createOwnCertificate({ source, names: { dns: ["localhost"] } });
    await own.start(NEVER);
    const first = String(own.current().cert);
    const { notAfter } = parseCertificate(first);
    await waitFor("another certificate", 6_000, () => own.current().cert !== first);
    assert.ok(Date.now() < notAfter + 1_000, "it came too late");
    await own.close?.();
  });
});

describe("a duration of the flags", () => {
  for (const [text, ms] of [
    ["90d", 7_776_000_000],
    ["1.5d12h", 172_800_000],
    ["24h", 86_400_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    ["20ms", 20],
  ] as const)
    it(`${text} has ${ms} ms`, () => assert.equal(durationMs(text, "ttl"), ms));
  for (const text of [
    ...["", "0s", "5", "-1s", "1 h", "1w", "h", "1h x", "12h1d", "1d-2h", "d", "36501d", "99999999999999h"],
  ])
    it(`is not "${text}"`, () =>
      assert.throws(() => durationMs(text, "ttl"), { code: "invalid_argument", message: /^--ttl: / }));
});

describe("the trust domain of the flags", () => {
  it("has a dot for the @ that Istio allows, and is never empty", () => {
    assert.equal(flagsOf("--trust-domain=me@example.com")["trust-domain"], "me.example.com");
    assert.equal(flagsOf("--trust-domain=")["trust-domain"], "cluster.local");
  });

  it("is refused with characters that no identity may have", () =>
    assert.throws(() => flagsOf("--trust-domain=a/b"), {
      code: "invalid_argument",
      message: /--trust-domain: "a\/b" is no/,
    }));
});
