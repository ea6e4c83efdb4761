import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Lab, openLab } from "./lab/lab.ts";
import { keySet, SigningKey } from "./lab/tokens.ts";
import { object } from "./objects.ts";

const ISSUER = "https://issuer.example.com";
const OTHER = "https://other.example.com/realm";
const key = new SigningKey("RS256", "rsa");

type Claims = Readonly<Record<string, unknown>> | undefined;
const ANN: Claims = { iss: ISSUER, sub: "ann" };
const BOB: Claims = { iss: OTHER, sub: "bob" };
const NOBODY: Claims = undefined;
const ann = (more: object): Claims => ({ ...ANN, ...more });

const from = (source: object): object => ({ from: [{ source }] });
const when = (attribute: string, more: object): object => ({ when: [{ key: attribute, ...more }] });

interface Match {
  readonly name: string;
  readonly rule: object;
  readonly yes: readonly Claims[];
  readonly no: readonly Claims[];
}

const MATCHES: readonly Match[] = [
  { name: "requestPrincipals *", rule: from({ requestPrincipals: ["*"] }), yes: [ANN, BOB], no: [NOBODY] },
  {
    name: "requestPrincipals",
    rule: from({ requestPrincipals: [`${ISSUER}/ann`, `${OTHER}/b*`] }),
    yes: [ANN, BOB],
    no: [NOBODY, { ...ANN, sub: "anna" }, { ...BOB, sub: "ann" }],
  },
  { name: "requestPrincipals of an issuer", rule: from({ requestPrincipals: [`${ISSUER}/*`] }), yes: [ANN], no: [BOB] },
  {
    name: "requestPrincipals of a subject",
    rule: from({ requestPrincipals: ["*/bob"] }),
    yes: [BOB],
    no: [ANN, NOBODY],
  },
  { name: "notRequestPrincipals", rule: from({ notRequestPrincipals: ["*"] }), yes: [NOBODY], no: [ANN, BOB] },
  {
    name: "when request.auth.principal",
    rule: when("request.auth.principal", { values: [`${ISSUER}/ann`] }),
    yes: [ANN],
    no: [BOB, NOBODY],
  },
  {
    name: "when request.auth.audiences",
    rule: when("request.auth.audiences", { values: ["web", "api*"] }),
    yes: [ann({ aud: "web" }), ann({ aud: ["x", "api2"] })],
    no: [ann({ aud: "x" }), ANN, NOBODY],
  },
  {
    name: "when request.auth.presenter",
    rule: when("request.auth.presenter", { values: ["app"] }),
    yes: [ann({ azp: "app" })],
    no: [ann({ azp: "other" }), ANN],
  },
  {
    name: "when request.auth.claims",
    rule: when("request.auth.claims[groups]", { values: ["admin", "*-ops"], notValues: ["banned"] }),
    yes: [ann({ groups: "admin" }), ann({ groups: ["x", "net-ops"] })],
    no: [ann({ groups: ["x"] }), ann({ groups: ["admin", "banned"] }), ann({ groups: [] }), ANN, NOBODY],
  },
  {
    name: "when request.auth.claims of claims",
    rule: when("request.auth.claims[realm][roles]", { values: ["cook"] }),
    yes: [ann({ realm: { roles: ["cook", "x"] } }), ann({ realm: { roles: "cook" } })],
    no: [ann({ realm: { role: "cook" } }), ann({ realm: "cook" }), ANN],
  },
];

describe("AuthorizationPolicy with tokens through real Envoys", () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab({
      proxies: { web: { kind: "captured", ip: "10.1.0.10", labels: { app: "web" } } },
      services: [
        {
          ...{ name: "web", address: "10.98.0.1", ports: { http: 80 } },
          pods: [{ name: "web", ip: "10.1.0.10", sidecar: true, labels: { app: "web" } }],
        },
      ],
      objects: [
        object("RequestAuthentication", "tokens", {
          jwtRules: [ISSUER, OTHER].map((issuer) => ({ issuer, jwks: keySet(key) })),
        }),
      ],
    });
    await lab.serve({ name: "web", at: "10.1.0.10:80" });
  });
  after(() => lab.close());

  const status = async (claims: Claims, token = claims && key.token(ISSUER, claims)): Promise<number> => {
    const call = { to: "web", url: "http://web/" };
    return (await lab.http(token ? { ...call, headers: { authorization: `Bearer ${token}` } } : call)).status;
  };

  for (const { name, rule, yes, no } of MATCHES)
    it(`${name}: in a policy that allows, and in one that denies`, async () => {
      for (const action of ["ALLOW", "DENY"] as const) {
        await lab.apply([object("AuthorizationPolicy", "p", { action, rules: [rule] })]);
        const [matching, other] = action === "ALLOW" ? [200, 403] : [403, 200];
        for (const claims of yes) assert.equal(await status(claims), matching, `${action} ${JSON.stringify(claims)}`);
        for (const claims of no) assert.equal(await status(claims), other, `${action} ${JSON.stringify(claims)}`);
      }
    });

  it("a token that is not valid is refused before any policy", async () => {
    await lab.apply([object("AuthorizationPolicy", "p", { rules: [from({ notRequestPrincipals: ["*"] })] })]);
    const forged = new SigningKey("RS256", "rsa").token(ISSUER);
    assert.equal(await status(ANN, forged), 401);
    assert.equal(await status(NOBODY), 200);
  });
});
