import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { type AttributeValue, stringMap } from "@xebec/model-attributes";
import type { Resource } from "@xebec/model-resources";
import { handler, object, rule, start } from "./runtime.testkit.ts";

const HOST = "petstore.default.svc.cluster.local";
const text = (name: string, value: string): object => ({ attributes: { [name]: { stringValue: value } } });
const operation = (name: string): object => text("api.operation", name);
const api = (spec: object, name = "petstore"): Resource => object("HTTPAPISpec", name, spec, "default");
const binding = (name: string, services: object[], ...specs: object[]): Resource =>
  object("HTTPAPISpecBinding", name, { services, apiSpecs: specs }, "default");

const PETS = {
  attributes: {
    attributes: { "api.service": { stringValue: "petstore" }, "api.version": { stringValue: "1.0.0" } },
  },
  patterns: [
    { attributes: operation("findPetById"), httpMethod: "GET", uriTemplate: "/api/pets/{id}" },
    { attributes: operation("myPets"), httpMethod: "GET", uriTemplate: "/api/pets/mine" },
    { attributes: operation("addPet"), httpMethod: "POST", uriTemplate: "/api/pets" },
    { attributes: operation("old"), httpMethod: "GET", regex: "/old/.*[?]v=1" },
  ],
};
const READS =
  '(api.service | "-") + " " + (api.version | "-") + " " + (api.operation | "-") + " " + (request.api_key | "-")';

const started = (...objects: Resource[]) =>
  start([
    handler("h", "spy"),
    object("listentry", "seen", { value: READS }),
    object("metric", "seen", { value: "1", dimensions: { seen: READS } }),
    rule("r", "", "h", ["seen.listentry", "seen.metric"]),
    ...objects,
  ]);
type Mixer = Awaited<ReturnType<typeof started>>;
interface Request {
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly more?: Record<string, AttributeValue>;
  readonly host?: string;
}
async function seen({ events, check }: Mixer, line: string, request: Request = {}): Promise<string | undefined> {
  const { headers = {}, query = {}, more = {}, host = HOST } = request;
  const [method = "", path = ""] = line.split(" ");
  await check({
    ...{ "destination.service.host": host, "request.method": method, "request.path": path },
    ...{ "request.headers": stringMap(headers), "request.query_params": stringMap(query), ...more },
  });
  return events.at(-1)?.replace(/^check \S+ \S+ /, "");
}

describe("attributes of an HTTPAPISpec", () => {
  it("are set for requests that a pattern matches, the most exact one first", async () => {
    const mixer = await started(api(PETS), binding("b", [{ name: "petstore" }], { name: "petstore" }));
    assert.equal(await seen(mixer, "GET /api/pets/3?x=1"), "petstore 1.0.0 findPetById -");
    assert.equal(await seen(mixer, "GET /api/pets/mine"), "petstore 1.0.0 myPets -");
    assert.equal(await seen(mixer, "POST /api/pets"), "petstore 1.0.0 addPet -");
    assert.equal(await seen(mixer, "GET /old/a?v=1"), "petstore 1.0.0 old -");
    for (const line of ["GET /api/pets", "POST /api/pets/3", "GET /old/a?v=2", "GET /"])
      assert.equal(await seen(mixer, line), "- - - -", line);
    assert.equal(await seen(mixer, "POST /api/pets", { host: "other.default.svc.cluster.local" }), "- - - -");
    const sent = { "api.operation": "sent" };
    assert.equal(await seen(mixer, "POST /api/pets", { more: sent }), "petstore 1.0.0 sent -");
  });

  it("are in reports, too", async () => {
    const mixer = await started(
      api(PETS),
      binding("b", [{ service: "*" }], { name: "petstore", namespace: "default" }),
    );
    const batch = mixer.runtime.snapshot?.report();
    batch?.add(mixer.bag({ "destination.service.host": "x", "request.method": "POST", "request.path": "/api/pets" }));
    await batch?.flush();
    const [[instance] = []] = mixer.reports;
    assert.match(JSON.stringify(instance), /petstore 1\.0\.0 addPet -/);
  });

  it("have the API key of the first place that has one", async () => {
    const keys = [{ query: "k" }, { header: "X-Key" }, { cookie: "key" }];
    const mixer = await started(
      api({ ...PETS, apiKeys: keys }),
      binding("b", [{ name: "petstore", namespace: "default", domain: "svc.cluster.local" }], { name: "petstore" }),
    );
    const cookie = { cookie: 'a=1; key="c3"; b=2' };
    assert.equal(
      await seen(mixer, "GET /x", { headers: { ...cookie, "x-key": "h2" }, query: { k: "q1" } }),
      "- - - q1",
    );
    assert.equal(await seen(mixer, "GET /x", { headers: { ...cookie, "x-key": "h2" } }), "- - - h2");
    assert.equal(await seen(mixer, "GET /x", { headers: cookie }), "- - - c3");
    assert.equal(await seen(mixer, "GET /x", { headers: { "x-api-key": "no" }, query: { key: "no" } }), "- - - -");
    const standard = await started(api(PETS), binding("b", [{ name: "petstore" }], { name: "petstore" }));
    assert.equal(await seen(standard, "GET /x", { headers: { "x-api-key": "h" }, query: { api_key: "q" } }), "- - - q");
    assert.equal(await seen(standard, "GET /x", { headers: { "x-api-key": "h" } }), "- - - h");
  });

  it("have values of all types", async () => {
    const attributes = {
      "request.size": { int64Value: 5 },
      "quota.cache_hit": { boolValue: true },
      "request.time": { timestampValue: "2019-03-01T00:00:00Z" },
      "response.duration": { durationValue: "2s" },
      "source.labels": { stringMapValue: { entries: { a: "b" } } },
      "origin.ip": { bytesValue: "CgAAAQ==" },
      "x.ratio": { doubleValue: 0.5 },
    };
    const mixer = await start([
      object("attributemanifest", "m", { attributes: { "x.ratio": { valueType: "DOUBLE" } } }),
      handler("h", "spy"),
      object("checknothing", "nothing", {}),
      object("metric", "duration", { value: "response.duration" }),
      rule(
        "r",
        'request.size == 5 && quota.cache_hit && request.time == timestamp("2019-03-01T00:00:00Z") && source.labels["a"] == "b" && origin.ip == ip("10.0.0.1") && x.ratio == 0.5',
        "h",
        ["nothing.checknothing", "duration.metric"],
      ),
      api({ patterns: [{ httpMethod: "*", uriTemplate: "/**", attributes: { attributes } }] }),
      binding("b", [{ service: HOST }], { name: "petstore" }),
    ]);
    await seen(mixer, "GET /a");
    assert.ok(mixer.events.some((each) => each.startsWith("check ")));
    const batch = mixer.runtime.snapshot?.report();
    batch?.add(
      mixer.bag({
        ...{ "destination.service.host": HOST, "request.method": "GET", "request.path": "/a" },
      }),
    );
    await batch?.flush();
    assert.match(JSON.stringify(mixer.reports), /2000000000|2s/);
  });
});

test("what becomes of an HTTPAPISpec is said", async () => {
  const wrong = { "no.such": { stringValue: "x" }, "api.service": { int64Value: 1 } };
  const { states } = await started(
    api(PETS),
    api(PETS, "unused"),
    api({ ...PETS, attributes: { attributes: wrong } }, "odd"),
    binding("good", [{ name: "petstore" }], { name: "petstore" }),
    binding("half", [{ name: "petstore" }], { name: "odd" }, { name: "none" }),
    binding("lost", [{ name: "petstore" }], { name: "none", namespace: "far" }),
  );
  const said = (key: string): string => `${states[key]?.state} ${states[key]?.reason} ${states[key]?.message}`;
  assert.match(said("HTTPAPISpec/default/petstore"), /^attached Compiled in effect/);
  assert.match(said("HTTPAPISpecBinding/default/good"), /^attached Compiled in effect/);
  assert.match(said("HTTPAPISpec/default/unused"), /^compiled Unused .*no HTTPAPISpecBinding/);
  assert.match(said("HTTPAPISpec/default/odd"), /PartlyRejected .*no\.such: unknown attribute.*api\.service: .*STRING/);
  assert.match(said("HTTPAPISpecBinding/default/half"), /PartlyRejected .*no HTTPAPISpec default\/none/);
  assert.match(said("HTTPAPISpecBinding/default/lost"), /^rejected NoAction there is no HTTPAPISpec far\/none/);
});
