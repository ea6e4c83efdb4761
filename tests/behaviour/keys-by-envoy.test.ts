// Key sets that Envoy fetches itself (PILOT_JWT_ENABLE_REMOTE_JWKS).
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { host } from "./lab/mesh.ts";
import { type KeyServer, keySet, openKeyServer, SigningKey } from "./lab/tokens.ts";
import { object } from "./objects.ts";

const ISSUER = "https://issuer.example.com";
const IP = "10.1.0.10";

describe("key sets of services of the mesh", () => {
  let lab: Lab;
  let keys: KeyServer;
  const own = new SigningKey("RS256", "rsa");
  const foreign = new SigningKey("RS256", "rsa");
  const issuer = host("issuer", { ports: { http: 8000 } });
  before(async () => {
    lab = await openLab({
      jwksFetch: "hybrid",
      proxies: { web: { kind: "captured", ip: IP, labels: { app: "web" } } },
      services: [
        { name: "web", address: "10.98.0.1", ports: { http: 80 }, pods: [{ name: "web", ip: IP, sidecar: true }] },
        { ...issuer, pods: issuer.pods.slice(0, 1) },
      ],
      upstreams: [{ name: "web", at: `${IP}:80` }],
    });
    keys = await openKeyServer(lab.folder.file("keys.sock"));
    keys.pages.set("/jwks.json", keySet(own));
    await lab.serve({ name: "keys", at: `${issuer.pods[0]?.ip}:8000`, relay: lab.folder.file("keys.sock") });
  });
  after(async () => {
    await lab?.close();
    await keys?.close();
  });

  it("are fetched by Envoy, from the service's endpoints, and verify tokens", async () => {
    const jwksUri = "http://issuer.default.svc.cluster.local:8000/jwks.json";
    const rule = object("RequestAuthentication", "ra", {
      selector: { matchLabels: { app: "web" } },
      jwtRules: [{ issuer: ISSUER, jwksUri }],
    });
    const status = async (key: SigningKey): Promise<number> => {
      const headers = { authorization: `Bearer ${key.token(ISSUER)}` };
      return (await lab.http({ to: "web", url: "http://web/", headers })).status;
    };
    await lab.during([rule], async () => {
      assert.deepEqual([await status(own), await status(foreign), await status(own)], [200, 401, 200]);
      assert.equal(keys.asked("/jwks.json"), 1, "once for all requests");
      assert.equal(lab.condition("RequestAuthentication", "ra"), "Attached: ");
    });
  });
});
