import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { keySet, SigningKey } from "./lab/tokens.ts";
import { object } from "./objects.ts";

const ISSUER = "https://issuer.example.com";
const OTHER = "https://other.example.com";
const key = new SigningKey("RS256", "a");
const other = new SigningKey("ES256", "b");
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const jwt = { issuer: ISSUER, jwks: keySet(key) };

/** Policy and MeshPolicy as Istio 1.1 has them. */
const policy = (spec: object, name = "default", kind = "Policy"): object => ({
  ...object(kind, name, spec, kind === "MeshPolicy" ? { namespace: "istio-system" } : {}),
  apiVersion: "authentication.istio.io/v1alpha1",
});
const mtls = (mode?: string) => ({ peers: [{ mtls: mode ? { mode } : {} }] });

describe("Policy and MeshPolicy of Istio 1.1 through a real Envoy", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: "10.1.0.10", labels: { app: "web" }, serviceAccount: "web" } },
      services: [
        {
          ...{ name: "web", address: "10.98.0.1", ports: { http: 80, "http-admin": 8080 } },
          pods: [{ name: "web", ip: "10.1.0.10", sidecar: true }],
        },
      ],
    });
    for (const port of [80, 8080]) await lab.serve({ name: "web", at: `10.1.0.10:${port}` });
  });
  after(() => lab?.close());

  const call = (headers: Record<string, string> = {}, path = "/", more: Partial<HttpCall> = {}) =>
    lab.http({ to: "web", url: `http://web${path}`, headers, timeoutMs: 3_000, ...more });
  const status = async (...given: Parameters<typeof call>): Promise<number> => (await call(...given)).status;
  /** Whether a port takes plaintext, and mutual TLS. */
  const taken = async (port = 80): Promise<[plain: boolean, mutual: boolean]> => {
    const own = lab.ca.issue({ uris: ["spiffe://cluster.local/ns/default/sa/caller"] });
    const more = { url: `http://web:${port}/` };
    const plain = (await call({}, "/", more)).by === "web";
    return [plain, (await call({}, "/", { ...more, tls: { alpn: ["istio"], sni: "x", ...own } })).by === "web"];
  };

  it("peers.mtls: STRICT, PERMISSIVE, and plaintext without it", async () => {
    for (const [spec, expected] of [
      [mtls(), [false, true]],
      [mtls("STRICT"), [false, true]],
      [mtls("PERMISSIVE"), [true, true]],
      [{}, [true, false]],
    ] as const)
      for (const kind of ["Policy", "MeshPolicy"])
        await lab.during([policy(spec, "default", kind)], async () =>
          assert.deepEqual(await taken(), expected, `${kind} ${JSON.stringify(spec)}`),
        );
  });

  it("peerIsOptional: plaintext is taken, too", () =>
    lab.during([policy({ ...mtls(), peerIsOptional: true })], async () =>
      assert.deepEqual(await taken(), [true, true]),
    ));

  it("targets and ports: the most exact policy counts, then the namespace's, then the mesh's", async () => {
    const target = (ports?: object[]) => ({ targets: [{ name: "web", ...(ports ? { ports } : {}) }] });
    const mesh = policy(mtls("PERMISSIVE"), "default", "MeshPolicy");
    await lab.during([mesh], async () => {
      assert.deepEqual(await taken(), [true, true]);
      await lab.during([policy(mtls())], async () => {
        assert.deepEqual(await taken(), [false, true]);
        for (const ports of [[{ number: 8080 }], [{ name: "http-admin" }]])
          await lab.during([policy({ ...target(ports), ...mtls("PERMISSIVE") }, "admin")], async () => {
            assert.deepEqual(
              [await taken(), await taken(8080)],
              [
                [false, true],
                [true, true],
              ],
            );
          });
        await lab.during([policy({ ...target(), ...mtls("PERMISSIVE") }, "whole")], async () =>
          assert.deepEqual(await taken(), [true, true]),
        );
      });
    });
  });

  it("a PeerAuthentication goes before them", () =>
    lab.during([policy(mtls()), object("PeerAuthentication", "pa", { mtls: { mode: "PERMISSIVE" } })], async () =>
      assert.deepEqual(await taken(), [true, true]),
    ));

  const open = mtls("PERMISSIVE");
  it("origins: a valid token of any of them is needed", async () => {
    const second = {
      issuer: OTHER,
      jwks: keySet(other),
      audiences: ["shop"],
      jwtHeaders: ["x-token"],
      jwtParams: ["t"],
    };
    await lab.during([policy({ ...open, origins: [{ jwt }, { jwt: second }] })], async () => {
      assert.equal(await status(), 401);
      const answer = await call(bearer(key.token(ISSUER)));
      assert.equal(answer.status, 200);
      assert.match(answer.got?.headers.authorization ?? "", /^Bearer /);
      assert.equal(await status(bearer("nonsense")), 401);
      const token = other.token(OTHER, { aud: "shop" });
      assert.equal(await status({ "x-token": token }), 200);
      assert.equal(await status({}, `/?t=${token}`), 200);
      assert.notEqual(await status({ "x-token": other.token(OTHER, { aud: "bank" }) }), 200);
    });
  });

  it("triggerRules: the paths that need a token", async () => {
    const triggerRules = [
      { includedPaths: [{ prefix: "/api/" }, { exact: "/me" }], excludedPaths: [{ suffix: "/health" }] },
      { includedPaths: [{ regex: "/v[0-9]+" }] },
    ];
    await lab.during([policy({ ...open, origins: [{ jwt: { ...jwt, triggerRules } }] })], async () => {
      for (const [path, needs] of [
        ["/api/x", true],
        ["/api/health", false],
        ["/api/health?x=/api/", false],
        ["/me", true],
        ["/me?x=y", true],
        ["/me2", false],
        ["/v12", true],
        ["/v1x", false],
        ["/", false],
      ] as const) {
        assert.equal(await status({}, path), needs ? 401 : 200, path);
        assert.equal(await status(bearer(key.token(ISSUER)), path), 200, path);
      }
    });
  });

  it("triggerRules of several origins: a token of those that the path triggers", async () => {
    const rule = (prefix: string) => ({ triggerRules: [{ includedPaths: [{ prefix }] }] });
    const origins = [
      { jwt: { ...jwt, ...rule("/a") } },
      { jwt: { issuer: OTHER, jwks: keySet(other), ...rule("/a/b") } },
    ];
    await lab.during([policy({ ...open, origins })], async () => {
      const [first, second] = [bearer(key.token(ISSUER)), bearer(other.token(OTHER))];
      for (const [path, headers, expected] of [
        ["/a", first, 200],
        ["/a", second, 401],
        ["/a/b", first, 200],
        ["/a/b", second, 200],
        ["/a/b", {}, 401],
        ["/c", {}, 200],
      ] as const)
        assert.equal(await status(headers, path), expected, path);
    });
  });

  it("originIsOptional: requests without a valid token pass", () =>
    lab.during([policy({ ...open, origins: [{ jwt }], originIsOptional: true })], async () => {
      for (const headers of [{}, bearer("nonsense"), bearer(key.token(ISSUER))])
        assert.equal(await status(headers), 200);
    }));

  it("principalBinding: the claims are there for authorization", async () => {
    const deny = object("AuthorizationPolicy", "deny", {
      action: "DENY",
      rules: [{ when: [{ key: "request.auth.claims[sub]", values: ["alice"] }] }],
    });
    const spec = { ...open, origins: [{ jwt }], principalBinding: "USE_ORIGIN" };
    await lab.during([policy(spec), deny], async () => {
      assert.equal(await status(bearer(key.token(ISSUER))), 403);
      assert.equal(await status(bearer(key.token(ISSUER, { sub: "bob" }))), 200);
    });
  });
});
