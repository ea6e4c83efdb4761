import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { waitFor } from "@xebec/core-async";
import { type HttpCall, type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { type KeyServer, keySet, openKeyServer, SigningKey } from "./lab/tokens.ts";
import { object } from "./objects.ts";

const ISSUER = "https://issuer.example.com";
const OTHER = "https://other.example.com";
const rsa = new SigningKey("RS256", "rsa");
const ec = new SigningKey("ES256", "ec");
const foreign = new SigningKey("RS256", "rsa");
const WEB = { selector: { matchLabels: { app: "web" } } };
const INGRESS = { selector: { matchLabels: { istio: "ingress" } } };

const ra = (name: string, jwtRules: object[], more: object = WEB, namespace = "default"): object =>
  object("RequestAuthentication", name, { ...more, jwtRules }, { namespace });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const RULE = { issuer: ISSUER, jwks: keySet(rsa, ec) };

describe("RequestAuthentication through real Envoys", () => {
  let lab: Lab;
  let keys: KeyServer;
  const routed = (name: string, claim: string, value: object, field = "headers") => ({
    match: [{ uri: { prefix: `/${name}` }, [field]: { [claim]: value } }],
    route: [{ destination: { host: "routed", subset: "v1" } }],
  });
  before(async () => {
    keys = await openKeyServer();
    lab = await openLab({
      refreshKeysMs: 100,
      proxies: {
        web: { kind: "captured", ip: "10.1.0.10", labels: { app: "web" }, serviceAccount: "web" },
        ingress: {
          ...{ kind: "gateway", ip: "10.1.0.20", namespace: "default" },
          labels: { istio: "ingress", "gateway.networking.k8s.io/gateway-name": "named" },
        },
      },
      services: [
        {
          name: "web",
          address: "10.98.0.1",
          ports: { http: 80 },
          pods: [{ name: "web", ip: "10.1.0.10", sidecar: true }],
        },
        host("routed"),
      ],
      objects: [
        object("Gateway", "edge", {
          selector: { istio: "ingress" },
          servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
        }),
        object("DestinationRule", "routed", {
          host: "routed",
          subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
        }),
        object("VirtualService", "routed", {
          hosts: ["routed.example.com"],
          gateways: ["edge"],
          http: [
            routed("text", "@request.auth.claims.sub", { exact: "alice" }),
            routed("list", "@request.auth.claims.groups", { exact: "admins" }),
            routed("nested", "@request.auth.claims[a.b][c]", { prefix: "deep" }),
            routed("dots", "@Request.Auth.Claims.address.city", { regex: "P.*" }),
            routed("present", "@request.auth.claims.email", {}),
            routed("without", "@request.auth.claims.sub", { exact: "alice" }, "withoutHeaders"),
            routed("scope", "@request.auth.claims.scope", { exact: "write" }),
            routed("own", "@request.auth.claims.roles", { exact: "cook" }),
            { route: [{ destination: { host: "routed", subset: "v2" } }] },
          ],
        }),
      ],
    });
    await lab.serve({ name: "web", at: "10.1.0.10:80" });
  });
  after(async () => {
    await lab?.close();
    await keys?.close();
  });

  const call = (headers: Record<string, string> = {}, more: Partial<HttpCall> = {}) =>
    lab.http({ to: "web", url: "http://web/", headers, ...more });
  const status = async (...given: Parameters<typeof call>): Promise<number> => (await call(...given)).status;
  const withToken = (token: string): Promise<number> => status(bearer(token));

  it("issuer and jwks: no token passes, a valid one passes, any other gets 401", () =>
    lab.during([ra("plain", [RULE])], async () => {
      assert.equal(await status(), 200);
      for (const key of [rsa, ec]) assert.equal(await withToken(key.token(ISSUER)), 200);
      const past = Math.floor(Date.now() / 1_000) - 7_200;
      for (const [why, token] of [
        ["another issuer", rsa.token(OTHER)],
        ["another key", foreign.token(ISSUER)],
        ["expired", rsa.token(ISSUER, { exp: past })],
        ["not valid yet", rsa.token(ISSUER, { nbf: past + 14_400 })],
        ["no token", "nonsense"],
        ["no signature", `${rsa.token(ISSUER).split(".").slice(0, 2).join(".")}.`],
      ] as const)
        assert.equal(await withToken(token), 401, why);
    }));

  it("is gone with its object", async () => {
    await lab.during([ra("gone", [RULE])], async () => assert.equal(await withToken("nonsense"), 401));
    assert.equal(await withToken("nonsense"), 200);
  });

  it("a rule without issuer takes every issuer's", () =>
    lab.during([ra("any", [{ jwksUri: `${keys.url}/any` }])], async () => {
      keys.pages.set("/any", keySet(rsa));
      await waitFor("the keys come", 5_000, async () => (await withToken(rsa.token(OTHER))) === 200);
      assert.equal(await withToken(foreign.token(OTHER)), 401);
    }));

  it("audiences: one of them must be the token's", () =>
    lab.during([ra("audiences", [{ ...RULE, audiences: ["shop", "bank"] }])], async () => {
      assert.equal(await withToken(rsa.token(ISSUER, { aud: ["x", "bank"] })), 200);
      assert.equal(await withToken(rsa.token(ISSUER, { aud: "cinema" })), 403);
      assert.equal(await withToken(rsa.token(ISSUER)), 403);
    }));

  it("fromHeaders, fromParams and fromCookies: where tokens are, and nowhere else", () => {
    const places = {
      fromHeaders: [{ name: "x-token", prefix: "Token " }, { name: "x-bare" }],
      fromParams: ["t"],
      fromCookies: ["session"],
    };
    return lab.during([ra("places", [{ ...RULE, ...places }])], async () => {
      for (const [token, expected] of [
        [rsa.token(ISSUER), 200],
        ["nonsense", 401],
      ] as const) {
        assert.equal(await status({ "x-token": `Token ${token}` }), expected);
        assert.equal(await status({ "x-bare": token }), expected);
        assert.equal(await status({ cookie: `a=b; session=${token}` }), expected);
        assert.equal(await status({}, { url: `http://web/?t=${token}` }), expected);
      }
      assert.equal(await withToken("nonsense"), 200);
    });
  });

  it("forwardOriginalToken: the server gets the token only then", async () => {
    const got = async () => (await call(bearer(rsa.token(ISSUER)))).got?.headers.authorization;
    await lab.during([ra("kept", [RULE])], async () => assert.equal(await got(), undefined));
    await lab.during([ra("forwarded", [{ ...RULE, forwardOriginalToken: true }])], async () =>
      assert.match((await got()) ?? "", /^Bearer /),
    );
  });

  it("outputPayloadToHeader and outputClaimToHeaders: the server gets the claims, and never the client's", () => {
    const output = {
      outputPayloadToHeader: "x-payload",
      outputClaimToHeaders: [
        { header: "x-user", claim: "sub" },
        { header: "x-city", claim: "address.city" },
      ],
    };
    return lab.during([ra("output", [{ ...RULE, ...output }])], async () => {
      const spoofed = { "x-user": "mallory", "x-payload": "e30" };
      const answer = await call({ ...spoofed, ...bearer(rsa.token(ISSUER, { address: { city: "Paris" } })) });
      const headers = answer.got?.headers ?? {};
      assert.deepEqual([headers["x-user"], headers["x-city"]], ["alice", "Paris"]);
      assert.equal(JSON.parse(Buffer.from(headers["x-payload"] ?? "", "base64url").toString()).sub, "alice");
      const without = (await call(spoofed)).got?.headers ?? {};
      assert.deepEqual([without["x-user"], without["x-payload"]], [undefined, undefined]);
    });
  });

  it("several policies, also of the root namespace: a token of any of their issuers", () => {
    const objects = [ra("own", [RULE]), ra("root", [{ issuer: OTHER, jwks: keySet(ec) }], {}, "istio-system")];
    return lab.during(objects, async () => {
      assert.equal(await status(), 200);
      assert.equal(await withToken(rsa.token(ISSUER)), 200);
      assert.equal(await withToken(ec.token(OTHER)), 200);
      assert.equal(await withToken(rsa.token(OTHER)), 401);
      assert.equal(await withToken("nonsense"), 401);
    });
  });

  it("selector and namespace: other workloads take any token", () => {
    const objects = [ra("others", [RULE], { selector: { matchLabels: { app: "x" } } }), ra("away", [RULE], {}, "shop")];
    return lab.during(objects, async () => assert.equal(await withToken("nonsense"), 200));
  });

  const target = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "named", namespace: "default" };
  for (const [name, ref] of [
    ["targetRefs: the proxies of a Gateway", { targetRefs: [target] }],
    ["targetRef: the proxies of a Gateway", { targetRef: target }],
  ] as const)
    it(name, () => {
      return lab.during([ra("referring", [RULE], ref)], async () => {
        const edge = { to: "ingress", url: "http://routed.example.com:8080/" };
        assert.equal(await status(bearer("nonsense"), edge), 401);
        assert.equal(await withToken("nonsense"), 200);
      });
    });

  it("jwksUri: fetched, rotated, and the last good one kept", async () => {
    keys.pages.set("/keys", keySet(rsa));
    await lab.during([ra("remote", [{ issuer: ISSUER, jwksUri: `${keys.url}/keys` }])], async () => {
      assert.equal(await withToken(rsa.token(ISSUER)), 200);
      keys.pages.set("/keys", keySet(ec));
      await waitFor("the new key counts", 5_000, async () => (await withToken(ec.token(ISSUER))) === 200);
      assert.equal(await withToken(rsa.token(ISSUER)), 401);
      for (const [page, problem] of [
        ["<html>", /is not JSON; the keys of before are in effect/],
        [undefined, /answered with status 500; the keys of before/],
        ["redirect http://169.254.169.254/keys", /may not be called: 169\.254\.169\.254 is a link-local address/],
        [JSON.stringify({ keys: [{ kty: "RSA" }] }), /has no usable key/],
      ] as const) {
        keys.pages.set("/keys", page);
        await waitFor("the condition says so", 5_000, () =>
          problem.test(lab.condition("RequestAuthentication", "remote")),
        );
        assert.equal(await withToken(ec.token(ISSUER)), 200);
      }
      keys.pages.set("/keys", keySet(rsa));
      await waitFor("the first key counts again", 5_000, async () => (await withToken(rsa.token(ISSUER))) === 200);
      assert.equal(lab.condition("RequestAuthentication", "remote"), "Attached: ");
    });
  });

  it("jwksUri that was never there: tokens get 401, all else passes", async () => {
    await lab.during([ra("never", [{ issuer: ISSUER, jwksUri: `${keys.url}/never`, timeout: "1s" }])], async () => {
      assert.equal(await withToken(rsa.token(ISSUER)), 401);
      assert.equal(await status(), 200);
      assert.match(
        lab.condition("RequestAuthentication", "never"),
        /^PartlyResolved: spec\.jwtRules\[0\]\.jwksUri: .*status 500; requests with a token get 401$/,
      );
    });
  });

  it("timeout: keys that are late are waited for, and then not", async () => {
    keys.pages.set("/late", `delay 150 ${keySet(rsa)}`);
    const rule = { issuer: ISSUER, jwksUri: `${keys.url}/late` };
    await lab.during([ra("patient", [rule])], async () => assert.equal(await withToken(rsa.token(ISSUER)), 200));
    await lab.during([ra("hasty", [{ ...rule, timeout: "30ms" }])], async () => {
      assert.equal(await withToken(rsa.token(ISSUER)), 401);
      assert.match(
        lab.condition("RequestAuthentication", "hasty"),
        /did not answer within \d+ ms; requests with a token/,
      );
    });
  });

  it("an issuer alone: its OpenID configuration names the keys", () => {
    const issuer = `${keys.url}/realm`;
    keys.pages.set("/realm/.well-known/openid-configuration", JSON.stringify({ jwks_uri: `${keys.url}/realm/certs` }));
    keys.pages.set("/realm/certs", keySet(rsa));
    return lab.during([ra("discovered", [{ issuer }])], async () => {
      assert.equal(await withToken(rsa.token(issuer)), 200);
      assert.equal(await withToken(foreign.token(issuer)), 401);
    });
  });

  it("@request.auth.claims: a gateway routes by claims of verified tokens", async () => {
    const rule = { ...RULE, spaceDelimitedClaims: ["roles"] };
    await lab.during([ra("edge", [rule], INGRESS)], async () => {
      const token = rsa.token(ISSUER, {
        ...{ groups: ["users", "admins"], "a.b": { c: "deeper" }, address: { city: "Paris" } },
        ...{ email: "a@example.com", scope: "read write", roles: "cook baker" },
      });
      const by = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
        (await call(headers, { to: "ingress", url: `http://routed.example.com:8080/${path}` })).by;
      for (const path of ["text", "list", "nested", "dots", "present", "scope", "own"]) {
        assert.equal(await by(path, bearer(token)), "routed-v1", path);
        assert.equal(await by(path), "routed-v2", path);
      }
      assert.equal(await by("text", bearer(rsa.token(ISSUER, { sub: "bob" }))), "routed-v2");
      assert.equal(await by("without", bearer(token)), "routed-v2");
      assert.equal(await by("without", bearer(rsa.token(ISSUER, { sub: "bob" }))), "routed-v1");
      assert.equal(await by("without"), "routed-v1");
    });
  });
});
